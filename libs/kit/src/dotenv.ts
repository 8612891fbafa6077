/** A line of a dotenv file that sets a variable. */
export interface DotenvEntry {
  readonly name: string;
  readonly value: string;
  /** Where it is, from 1. */
  readonly line: number;
}

/** What is wrong with a dotenv file: the line, never what stands there. */
export class BadDotenv extends Error {
  override readonly name = 'BadDotenv';

  constructor(
    readonly line: number,
    why: string,
  ) {
    super(`line ${line} ${why}`);
  }
}

// A second `=` is the end of base64: a line of a key without its quotation marks, which must not become a name.
const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=(?!=)[ \t]*/;
const NOTHING = /^[ \t]*(?:#.*)?$/;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', $: '$' };

/**
 * Reads a dotenv file: `NAME=value`, with or without `export`; in single quotes and backticks as it stands, in double quotes
 * with `\n \r \t \" \\ \$`, each over several lines if need be; ` #` begins a comment after a bare value. Nothing is expanded: a
 * secret may well have a `$` in it. Of a name that comes twice the last one counts. @throws BadDotenv
 */
export function parseDotenv(source: string): DotenvEntry[] {
  const text = source.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  const entries = new Map<string, DotenvEntry>();
  let at = 0;
  for (let line = 1; at <= text.length;) {
    const end = endOfLine(text, at);
    const rest = text.slice(at, end);
    if (NOTHING.test(rest)) {
      at = end + 1;
      line += 1;
      continue;
    }
    const [whole, name] = ASSIGNMENT.exec(rest) ?? [];
    if (whole === undefined || name === undefined) throw new BadDotenv(line, 'is not NAME=value');
    const { value, next } = readValue(text, at + whole.length, line);
    entries.delete(name);
    entries.set(name, { name, value, line });
    line += text.slice(at, next).split('\n').length;
    at = next + 1;
  }
  return [...entries.values()];
}

/** A line that `parseDotenv` reads as this name and value. */
export function formatDotenv(name: string, value: string): string {
  const escaped = value.replaceAll(/[\\"$\n\r\t]/g, (character) => {
    const letter = Object.keys(ESCAPES).find((key) => ESCAPES[key] === character);
    return `\\${letter ?? character}`;
  });
  return `${name}="${escaped}"`;
}

function readValue(text: string, from: number, line: number): { value: string; next: number } {
  const quote = text[from];
  if (quote !== '"' && quote !== "'" && quote !== '`') {
    const next = endOfLine(text, from);
    const bare = text.slice(from, next).replace(/(^|[ \t])#.*$/s, '');
    return { value: bare.trim(), next };
  }
  const close = closingQuote(text, from, quote);
  if (close === -1) throw new BadDotenv(line, `has a ${quote} that is not closed`);
  const next = endOfLine(text, close);
  if (!NOTHING.test(text.slice(close + 1, next)))
    throw new BadDotenv(line, 'goes on after the closing quote');
  const inside = text.slice(from + 1, close);
  const value =
    quote === '"'
      ? inside.replaceAll(/\\([nrt"\\$])/g, (_, letter: string) => ESCAPES[letter] ?? letter)
      : inside;
  return { value, next };
}

function closingQuote(text: string, open: number, quote: string): number {
  for (let at = open + 1; at < text.length; at += 1) {
    if (text[at] === quote) return at;
    if (quote === '"' && text[at] === '\\') at += 1;
  }
  return -1;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}
