import type { ImportEntry } from './import-entry.js';

/** What a Secret object holds (base64) as entries of an import, by `<prefix><key>`. What is no text stays out, and says why. */
export const clusterEntries = (
  data: Readonly<Record<string, string>>,
  prefix: string,
): readonly ImportEntry[] =>
  Object.entries(data)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => {
      const text = textOf(Buffer.from(value, 'base64'));
      const name = `${prefix}${key}`;
      return text === undefined ? { name, value: '', why: 'is no UTF-8 text' } : { name, value: text };
    });

function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
