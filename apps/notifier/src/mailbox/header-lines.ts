export type HeaderLine = readonly [name: string, value: string];

const NAME = /^[!-9;-~]+$/u;
// RFC 5322 allows each of them once. Where there are two, nobody can tell which one a reader sees or a signature covers.
const ONCE = [
  'from',
  'sender',
  'reply-to',
  'to',
  'cc',
  'date',
  'subject',
  'message-id',
  'in-reply-to',
  'references',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
];

/** The header of a mail, from the top, its folded lines put together. Undefined where a line is none of a header. */
export function headerLines(raw: Buffer): HeaderLine[] | undefined {
  const text = raw.toString('latin1');
  const end = /\r?\n\r?\n/u.exec(text);
  const header = end === null ? text : text.slice(0, end.index);
  const lines = header.replaceAll(/\r?\n(?=[ \t])/gu, '').split(/\r?\n/u);
  const found: HeaderLine[] = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon));
    if (!NAME.test(name) || /[\0\r]/u.test(line)) return undefined;
    found.push([
      name.toLowerCase(),
      Buffer.from(line.slice(colon + 1), 'latin1')
        .toString('utf8')
        .trim(),
    ]);
  }
  return found;
}

export const valuesOf = (lines: readonly HeaderLine[], name: string): string[] =>
  lines.filter(([other]) => other === name).map(([, value]) => value);

/** The first header that is there twice and may be there once. */
export const repeatedHeader = (lines: readonly HeaderLine[]): string | undefined =>
  ONCE.find((name) => valuesOf(lines, name).length > 1);

const MAX_FROM_CHARS = 1_000;

/** Whether readers of a From agree on its address: one in angle brackets at most, and nothing behind it. */
export function isPlainFrom(value: string): boolean {
  if (value.length > MAX_FROM_CHARS) return false;
  const bare = value.replace(/"(?:[^"\\]|\\.)*"|\([^()]*\)/gu, '').trim();
  const brackets = bare.split('<').length - 1;
  return brackets === 0 || (brackets === 1 && bare.endsWith('>'));
}

/** By name; what is there several times stands in one value. */
export const asRecord = (lines: readonly HeaderLine[]): Record<string, string> => {
  const record = new Map<string, string>();
  for (const [name, value] of lines)
    record.set(name, record.has(name) ? `${record.get(name)}, ${value}` : value);
  return Object.fromEntries(record);
};

/** Where mail servers say that a mail arrived. */
export const deliveredTo = (lines: readonly HeaderLine[]): string[] => [
  ...valuesOf(lines, 'delivered-to'),
  ...valuesOf(lines, 'x-original-to'),
];
