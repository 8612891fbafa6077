import { wrongUsage } from './cli-error.js';

const HOUR_MS = 3_600_000;
const UNITS_MS: Readonly<Record<string, number>> = { h: HOUR_MS, d: 24 * HOUR_MS, w: 7 * 24 * HOUR_MS };
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/;

/** A value as it was typed or written to a file: the newline after a single line is no part of it, those of a text are. */
export function valueOf(text: string): string {
  const line = text.replace(/\r?\n$/, '');
  return /[\r\n]/.test(line) ? text : line;
}

/** An end, as ISO 8601, from `90d`, `12h`, `2w`, a day (its beginning, in UTC) or an instant with its offset. @throws CliError */
export function expiryOf(text: string, now: Date): string {
  const [, count, unit = ''] = /^(\d{1,5})([hdw])$/.exec(text) ?? [];
  const at =
    count !== undefined
      ? new Date(now.getTime() + Number(count) * (UNITS_MS[unit] ?? 0))
      : DAY.test(text) || INSTANT.test(text)
        ? new Date(text)
        : undefined;
  if (!at || Number.isNaN(at.getTime()))
    throw wrongUsage('--expires takes 90d, 12h, 2w, 2027-01-31 or 2027-01-31T12:00:00Z');
  if (at <= now) throw wrongUsage('--expires is not in the future');
  return at.toISOString();
}

/** A whole number of an option or argument. @throws CliError */
export function wholeNumber(what: string, text: string, { min, max }: { min: number; max: number }): number {
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= min && number <= max))
    throw wrongUsage(`${what} takes a whole number from ${min} to ${max}`);
  return number;
}
