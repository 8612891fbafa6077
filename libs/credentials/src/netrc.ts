import type { FileFamily, Values } from './format.js';
import { lineEndOf } from './text-lines.js';

interface Token {
  readonly value: string;
  readonly from: number;
  readonly to: number;
}

/** `login alice`: both words and where they stand. */
interface Pair {
  readonly word: Token;
  readonly value: Token;
}

interface Entry {
  /** Undefined for `default`, which stands for every other machine. */
  readonly machine: string | undefined;
  readonly from: number;
  to: number;
  readonly pairs: Map<string, Pair>;
}

interface NetrcShape {
  /** The word of the file that holds each field. */
  readonly words: Readonly<Record<string, string>>;
  /** Written as the login of a new machine where no field is the login. */
  readonly login?: string;
}

const PAIR_WORDS = new Set(['login', 'user', 'account', 'password']);
const BARE = /^[^\s"'\\#][^\s"'\\]*$/;

/**
 * The netrc of curl, git and W&B. A new machine is put at the top: `default` must stay last, a macro has no end but a blank
 * line, and so a machine that is taken out again leaves what was below it as it was.
 */
export function netrcFile({ words, login }: NetrcShape): FileFamily {
  const find = (text: string, profile: string): Entry | undefined =>
    scan(text).find(({ machine }) => machine === profile);

  function read(text: string, profile: string): Values | undefined {
    const entry = find(text, profile);
    const values: Record<string, string> = {};
    for (const [field, word] of Object.entries(words)) {
      const value = entry?.pairs.get(word)?.value.value;
      if (value) values[field] = value;
    }
    return Object.keys(values).length === 0 ? undefined : values;
  }

  function write(given: string | undefined, values: Values, profile: string): string {
    let text = given ?? '';
    if (!find(text, profile)) {
      const end = lineEndOf(text);
      const pairs = Object.entries(words).flatMap(([field, word]) =>
        values[field] === undefined ? [] : [`  ${word} ${encode(values[field])}`],
      );
      const block = [`machine ${encode(profile)}`, ...(login ? [`  login ${encode(login)}`] : []), ...pairs];
      const at = text.startsWith('\uFEFF') ? 1 : 0;
      return text.slice(0, at) + block.map((line) => line + end).join('') + text.slice(at);
    }
    for (const [field, word] of Object.entries(words)) {
      const entry = find(text, profile);
      const pair = entry?.pairs.get(word);
      const value = values[field];
      if (value === undefined) {
        if (pair) text = cut(text, text.slice(0, pair.word.from).trimEnd().length, pair.value.to);
      } else if (pair) {
        text = text.slice(0, pair.value.from) + encode(value) + text.slice(pair.value.to);
      } else if (entry) {
        text = `${text.slice(0, entry.to)} ${word} ${encode(value)}${text.slice(entry.to)}`;
      }
    }
    return text;
  }

  function remove(text: string, profile: string, before: string | undefined): string | undefined {
    const entry = find(text, profile);
    if (!entry) return text || undefined;
    if (before !== undefined && find(before, profile)) return write(text, {}, profile);
    const rest = /^[ \t]*(\r?\n)?/.exec(text.slice(entry.to))?.[0] ?? '';
    const alone =
      /(^|\n)\uFEFF?$/.test(text.slice(0, entry.from)) &&
      (rest.includes('\n') || entry.to + rest.length === text.length);
    return cut(text, entry.from, alone ? entry.to + rest.length : entry.to) || undefined;
  }

  return { fields: Object.keys(words), read, write, remove };
}

const cut = (text: string, from: number, to: number): string => text.slice(0, from) + text.slice(to);

const encode = (value: string): string =>
  BARE.test(value) ? value : `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`;

function scan(text: string): Entry[] {
  const entries: Entry[] = [];
  let entry: Entry | undefined;
  let at = 0;
  const next = (): Token | undefined => {
    const token = tokenAt(text, at);
    at = token?.to ?? text.length;
    return token;
  };
  for (let token = next(); token; token = next()) {
    if (token.value.startsWith('#') && text[token.from] === '#') {
      at = endOfLine(text, token.from);
    } else if (token.value === 'machine' || token.value === 'default') {
      const name = token.value === 'machine' ? next() : undefined;
      entry = { machine: name?.value, from: token.from, to: name?.to ?? token.to, pairs: new Map() };
      entries.push(entry);
    } else if (token.value === 'macdef') {
      const body = /\r?\n[ \t]*\r?\n/g;
      body.lastIndex = at;
      at = body.exec(text) ? body.lastIndex : text.length;
      entry = undefined;
    } else if (entry && PAIR_WORDS.has(token.value)) {
      const value = next();
      if (!value) break;
      entry.pairs.set(token.value === 'user' ? 'login' : token.value, { word: token, value });
      entry.to = value.to;
    }
  }
  return entries;
}

function tokenAt(text: string, start: number): Token | undefined {
  const pattern = /"(?:[^"\\]|\\[\s\S])*"|\S+/g;
  pattern.lastIndex = start;
  const match = pattern.exec(text);
  if (!match) return undefined;
  const [raw] = match;
  const quoted = raw.length > 1 && raw.startsWith('"') && raw.endsWith('"');
  const value = quoted ? raw.slice(1, -1).replaceAll(/\\([\s\S])/g, '$1') : raw;
  return { value, from: match.index, to: match.index + raw.length };
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}
