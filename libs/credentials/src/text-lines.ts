/** A line, and what ends it: `\n`, `\r\n`, or nothing at the end of a file without a final newline. */
export interface Line {
  readonly text: string;
  readonly end: string;
}

/** The lines of a text; joined again they are the text, byte for byte. */
export const splitLines = (text: string): Line[] =>
  [...text.matchAll(/([^\n]*?)(\r\n|\n|$)/g)]
    .map(([, line = '', end = '']) => ({ text: line, end }))
    .filter(({ text: line, end }) => line !== '' || end !== '');

export const joinLines = (lines: readonly Line[]): string =>
  lines.map(({ text, end }) => text + end).join('');

/** How this text ends its lines. */
export const lineEndOf = (text: string): string => /\r?\n/.exec(text)?.[0] ?? '\n';

/**
 * The lines with others put in at `index`. At the end of a text without a final newline the last new line has none
 * either: so `removeLines` sees where it was, and can give the text back as it had been.
 */
export function insertLines(lines: readonly Line[], index: number, added: readonly string[]): Line[] {
  const end = lines.find((line) => line.end !== '')?.end ?? '\n';
  const before = lines.slice(0, index);
  const made = added.map((text) => ({ text, end }));
  const open = before.at(-1);
  if (open?.end === '' && made.length > 0) {
    before[before.length - 1] = { ...open, end };
    made[made.length - 1] = { text: added.at(-1) ?? '', end: '' };
  }
  return [...before, ...made, ...lines.slice(index)];
}

/** The lines without those at `gone`; what ended the text ends it still. */
export function removeLines(lines: readonly Line[], gone: ReadonlySet<number>): Line[] {
  const kept = lines.filter((_, index) => !gone.has(index));
  const last = kept.at(-1);
  if (last && gone.has(lines.length - 1) && lines.at(-1)?.end === '')
    kept[kept.length - 1] = { ...last, end: '' };
  return kept;
}
