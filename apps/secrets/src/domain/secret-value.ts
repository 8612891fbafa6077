import { z } from 'zod';

const MAX_CHARACTERS = 65_536;
/** So that each value fits into a sealed box, where it travels as JSON. */
const MAX_JSON_BYTES = 256_000;

/** A secret's value. NUL and half surrogate pairs would not survive the way into a process's environment. */
export const secretValue = z
  .string()
  .min(1)
  .max(MAX_CHARACTERS)
  .refine(
    (value) => value.isWellFormed() && !value.includes('\u0000'),
    'holds a NUL character or half a surrogate pair',
  )
  .refine((value) => jsonBytes(value) <= MAX_JSON_BYTES, 'is too large once encoded');

const encoder = new TextEncoder();
const jsonBytes = (value: string): number => encoder.encode(JSON.stringify(value)).length;
