import { canonicalJson } from '../domain/audit-chain.js';
import { entrySchema, type EntryView } from './audit-fields.js';

const COLUMNS = Object.keys(entrySchema.shape) as (keyof EntryView)[];

interface Format {
  readonly contentType: string;
  /** The text of a file of all these entries, piece by piece. */
  write(pages: AsyncIterable<readonly EntryView[]>): AsyncGenerator<string>;
}

export const EXPORTS: Readonly<Record<'csv' | 'json', Format>> = {
  csv: {
    contentType: 'text/csv; charset=utf-8',
    async *write(pages) {
      yield `${COLUMNS.join(',')}\r\n`;
      for await (const page of pages) yield page.map((entry) => csvLine(entry)).join('');
    },
  },
  json: {
    contentType: 'application/json; charset=utf-8',
    async *write(pages) {
      yield '[';
      let between = '\n';
      for await (const page of pages)
        for (const entry of page) {
          yield between + JSON.stringify(entry);
          between = ',\n';
        }
      yield '\n]\n';
    },
  },
};

const csvLine = (entry: EntryView): string =>
  `${COLUMNS.map((column) => csvCell(entry[column])).join(',')}\r\n`;

/** A cell of a CSV file (RFC 4180). What a spreadsheet would take for a formula is made text. */
export function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const text = typeof value === 'string' ? value : canonicalJson(value);
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
