import { KnownValues, MASK, partsOf, type ValueForm } from '@lineclear/redact';
import type { Hit } from '../domain/run.js';

const HIDDEN = Buffer.from(MASK);
// More than any encoding of the longest secret that there may be: what waits longer waits for nothing.
const MAX_HELD_BYTES = 128 * 1_024;

export interface Redacted {
  readonly text: string;
  /** Each secret that was in it, once. */
  readonly hits: readonly Hit[];
  /** How many characters of what was given this is: fewer than all when its end may be the beginning of a value. */
  readonly taken: number;
}

export interface Redactor {
  /** Replaces the values. With `goesOn` the end of the text waits for the next text where a value may begin in it. */
  clean(this: void, text: string, goesOn?: boolean): Redacted;
}

/** Makes what replaces these values, and parts of them, wherever they stand in a text in any of the forms that KnownValues knows. */
export function redactor(secrets: Iterable<{ readonly name: string; readonly value: string }>): Redactor {
  const names: string[] = [];
  const needles: Buffer[] = [];
  for (const { name, value } of secrets) {
    for (const needle of partsOf(value)) {
      names.push(name);
      needles.push(Buffer.from(needle));
    }
  }
  const known = new KnownValues(needles);
  return {
    clean(given, goesOn = false) {
      if (needles.length === 0) return { text: given, hits: [], taken: given.length };
      const bytes = Buffer.from(given);
      const forms = new Map<string, ValueForm>();
      const seen = new Set<number>();
      const ranges: Range[] = [];
      const openFrom = known.find(bytes, ({ value, form, from, to }) => {
        const name = names[value]!;
        if (!forms.has(name)) forms.set(name, form);
        const last = ranges.at(-1);
        // The same place in another form, or a shorter value in it.
        if (!last || from < last.from || to > last.to) ranges.push({ from, to });
        if (seen.has(value)) return false;
        seen.add(value);
        return true;
      });
      const merged = merge(ranges);
      const end = goesOn ? settledEnd(bytes, openFrom, merged) : bytes.length;
      return {
        text: replaced(bytes.subarray(0, end), merged),
        hits: Array.from(forms, ([name, form]) => ({ name, form })),
        taken: end === bytes.length ? given.length : bytes.toString('utf8', 0, end).length,
      };
    },
  };
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** In order, and those that overlap as one. */
function merge(ranges: readonly Range[]): Range[] {
  const merged: Range[] = [];
  for (const range of [...ranges].sort((a, b) => a.from - b.from || b.to - a.to)) {
    const last = merged.at(-1);
    if (last && range.from < last.to)
      merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
    else merged.push(range);
  }
  return merged;
}

/** Where to stop so that neither a value nor, where it can be helped, a line is cut in two. */
function settledEnd(bytes: Buffer, openFrom: number, ranges: readonly Range[]): number {
  if (openFrom === bytes.length || bytes.length - openFrom > MAX_HELD_BYTES) return bytes.length;
  const lineStart = bytes.lastIndexOf(0x0a, openFrom - 1) + 1;
  let end = openFrom > 0 && lineStart > 0 ? lineStart : openFrom;
  for (const { from, to } of [...ranges].reverse()) if (from < end && to > end) end = from;
  return end;
}

function replaced(bytes: Buffer, ranges: readonly Range[]): string {
  const parts: Buffer[] = [];
  let at = 0;
  for (const { from, to } of ranges) {
    if (to > bytes.length) break;
    parts.push(bytes.subarray(at, from), HIDDEN);
    at = to;
  }
  return Buffer.concat([...parts, bytes.subarray(at)]).toString('utf8');
}
