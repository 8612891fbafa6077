import { Malformed } from '../domain/secrets-file.js';
import type { ImportEntry } from './entry.js';

// A second `=` is the end of base64: a line of a key without its quotation marks, which must not become a name.
const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]{0,127})[ \t]*=(?!=)[ \t]*/;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/**
 * The variables of a `.env` file: `export` is passed over, values in quotes may have several lines, `\n` counts in double ones,
 * a comment follows a value after a space. `$NAME` is left as it is: what it stood for elsewhere is not known here. @throws Malformed
 */
export function readDotenv(content: string): ImportEntry[] {
  const entries: ImportEntry[] = [];
  const text = content.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  for (let at = 0; at < text.length;) {
    const lineEnd = endOfLine(text, at);
    const line = text.slice(at, lineEnd);
    if (/^[ \t]*(#|$)/.test(line)) {
      at = lineEnd + 1;
      continue;
    }
    const assignment = ASSIGNMENT.exec(line);
    if (!assignment) throw new Malformed(`has no NAME=value in line ${lineOf(text, at)}`);
    const [before, key = ''] = assignment;
    const start = at + before.length;
    const quote = text[start];
    if (quote !== '"' && quote !== "'") {
      entries.push({ key, value: withoutComment(text.slice(start, lineEnd)) });
      at = lineEnd + 1;
      continue;
    }
    const end = closing(text, start);
    if (end < 0) throw new Malformed(`has a quotation mark that is not closed, in line ${lineOf(text, at)}`);
    const after = text.slice(end + 1, endOfLine(text, end));
    if (!/^[ \t]*(#|$)/.test(after))
      throw new Malformed(`has more after a quotation mark in line ${lineOf(text, end)}`);
    const inside = text.slice(start + 1, end);
    const unescaped = (): string =>
      inside.replaceAll(/\\([nrt"\\$])/g, (_, letter: string) => ESCAPES[letter] ?? letter);
    entries.push({ key, value: quote === '"' ? unescaped() : inside });
    at = endOfLine(text, end) + 1;
  }
  return entries;
}

/** Up to a `#` at the beginning or after a space. */
function withoutComment(written: string): string {
  let at = written.indexOf('#');
  while (at > 0 && !/[ \t]/.test(written[at - 1]!)) at = written.indexOf('#', at + 1);
  return (at < 0 ? written : written.slice(0, at)).trim();
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

/** Where the quotation that begins here ends; -1 where it does not. */
function closing(text: string, start: number): number {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === quote) return at;
    if (text[at] === '\\' && quote === '"') at += 1;
  }
  return -1;
}

const lineOf = (text: string, at: number): number => text.slice(0, at).split('\n').length;
