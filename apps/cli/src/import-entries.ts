import { parseDotenv } from '@lineclear/kit/dotenv';
import type { ImportEntry } from './domain/import-entry.js';

export const IMPORT_FORMATS = ['dotenv', 'json'] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

/** The format that a file's name says. */
export const formatOfFile = (file: string): ImportFormat => (/\.json$/i.test(file) ? 'json' : 'dotenv');

/** What is wrong with a file of names and values: the name, never the value. */
export class BadImport extends Error {
  override readonly name = 'BadImport';
}

/** The names and values of a file: dotenv, or a JSON object of texts, as SimpleTuner's secrets.json is. @throws BadDotenv, BadImport */
export function importEntries(text: string, format: ImportFormat): readonly ImportEntry[] {
  if (format === 'dotenv') return parseDotenv(text);
  const parsed = parse(text);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new BadImport('is not a JSON object of names and texts');
  return Object.entries(parsed).map(([name, value]) => {
    if (typeof value !== 'string') throw new BadImport(`${name.slice(0, 128)} is not a text`);
    return { name, value };
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    // The parser's message quotes the text.
    throw new BadImport('is not JSON');
  }
}
