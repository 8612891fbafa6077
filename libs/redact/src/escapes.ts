import { HEX } from './alphabets.js';

/** What an escape that has been read as far as here is: not over, nothing of the kind, or the bytes that it stands for. */
export type Reading = 'goes on' | 'none' | readonly number[];

/** How a syntax writes bytes other than as they are. */
export interface Escapes {
  readonly form: 'json' | 'url';
  /** Whether an escape may begin with this byte. */
  readonly begins: (byte: number) => boolean;
  /** The bytes of it that were read, the beginning among them. */
  readonly read: (escape: readonly number[]) => Reading;
  /** What writers do not write as it is. */
  readonly escaped: readonly number[];
}

const codeOf = (letter: string): number => letter.charCodeAt(0);
const BACKSLASH = codeOf('\\');
const PERCENT = codeOf('%');
const PLUS = codeOf('+');
const SMALL_U = codeOf('u');
const SINGLE = new Map(
  Object.entries({ '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }).map(
    ([letter, stands]) => [codeOf(letter), [codeOf(stands)]],
  ),
);

const bytesBut = (pattern: RegExp): number[] =>
  Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !pattern.test(String.fromCharCode(byte)));

export const JSON_ESCAPES: Escapes = {
  form: 'json',
  begins: (byte) => byte === BACKSLASH,
  escaped: bytesBut(/[ !#-.0-[\]-~]/),
  read: (escape) => {
    if (escape.length === 1) return 'goes on';
    if (escape[1] !== SMALL_U) return SINGLE.get(escape[1]!) ?? 'none';
    const digit = escape.at(-1)!;
    if (escape.length > 6) return lowSurrogate(escape);
    if (escape.length > 2 && HEX[digit]! < 0) return 'none';
    if (escape.length < 6) return 'goes on';
    const unit = unitOf(escape, 2);
    return unit >= 0xd800 && unit <= 0xdbff ? 'goes on' : utf8(unit);
  },
};

/** After the first half of a pair: the bytes of both, or 'none' when this is no second half. */
function lowSurrogate(escape: readonly number[]): Reading {
  const at = escape.length - 6;
  const byte = escape.at(-1)!;
  const isRight = at === 1 ? byte === BACKSLASH : at === 2 ? byte === SMALL_U : HEX[byte]! >= 0;
  if (!isRight) return 'none';
  if (at < 6) return 'goes on';
  const low = unitOf(escape, 8);
  return low >= 0xdc00 && low <= 0xdfff ? utf8(unitOf(escape, 2), low) : 'none';
}

const unitOf = (escape: readonly number[], from: number): number =>
  escape.slice(from, from + 4).reduce((unit, digit) => unit * 16 + HEX[digit]!, 0);
const utf8 = (...units: number[]): number[] => [...Buffer.from(String.fromCharCode(...units))];

function percent(escape: readonly number[]): Reading {
  if (escape.length > 1 && HEX[escape.at(-1)!]! < 0) return 'none';
  return escape.length < 3 ? 'goes on' : [HEX[escape[1]!]! * 16 + HEX[escape[2]!]!];
}

export const URL_ESCAPES: Escapes = {
  form: 'url',
  begins: (byte) => byte === PERCENT,
  escaped: bytesBut(/[\w.~-]/),
  read: percent,
};

/** Forms write a space as a plus. */
export const FORM_ESCAPES: Escapes = {
  ...URL_ESCAPES,
  begins: (byte) => byte === PERCENT || byte === PLUS,
  read: (escape) => (escape[0] === PLUS ? [codeOf(' ')] : percent(escape)),
};
