/** How a value may be written in a text. */
export type ValueForm = 'raw' | 'json' | 'url' | 'base64' | 'hex';

/** Bytes that a part of a text stands for, and where in the text each of them is written. */
export interface DecodedView {
  readonly form: ValueForm;
  readonly bytes: Uint8Array;
  readonly length: number;
  /** Where the byte begins; of the one after the last: where what may be its beginning does, at the text's end at the latest. */
  from(index: number): number;
  to(index: number): number;
  /** Whether what follows the text could continue it. */
  readonly isOpen: boolean;
}

const BACKSLASH = 0x5c;
const CUT = -2;
const PERCENT = 0x25;
const PLUS = 0x2b;
const SPACE = 0x20;
const SMALL_U = 0x75;
const LF = 0x0a;
const CR = 0x0d;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
const SINGLE = new Int16Array(256).fill(-1);
for (const [letter, stands] of Object.entries(ESCAPES)) SINGLE[letter.charCodeAt(0)] = stands.charCodeAt(0);
const BASE64 = alphabet('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
BASE64['-'.charCodeAt(0)] = 62;
BASE64['_'.charCodeAt(0)] = 63;
const HEX = alphabet('0123456789abcdef');
for (const [value, letter] of Array.from('ABCDEF').entries()) HEX[letter.charCodeAt(0)] = 10 + value;
// A line as encoders break them is at least this long: what ends a shorter one ends it for good.
const MIN_BROKEN_LINE = 60;

function alphabet(letters: string): Int16Array {
  const table = new Int16Array(256).fill(-1);
  for (const [value, letter] of Array.from(letters).entries()) table[letter.charCodeAt(0)] = value;
  return table;
}

/** Everything that a text may be written for, as bytes: itself, and what it says in JSON, in URLs, in base64 and in hex. Values shorter than `shortest` bytes are of no interest. */
export function viewEach(text: Uint8Array, shortest: number, look: (view: DecodedView) => void): void {
  look({
    form: 'raw',
    bytes: text,
    length: text.length,
    from: (index) => index,
    to: (index) => index + 1,
    isOpen: true,
  });
  if (text.includes(BACKSLASH)) look(jsonView(text));
  if (text.includes(PERCENT)) look(urlView(text, false));
  // Forms write a space as a plus.
  if (text.includes(PLUS)) look(urlView(text, true));
  encodedRuns(text, HEX, shortest * 2, (run) => {
    for (let skipBits = 0; skipBits < 8; skipBits += 4) look(runView('hex', run, skipBits, 4));
  });
  encodedRuns(text, BASE64, Math.ceil((shortest * 4) / 3), (run) => {
    for (let skipBits = 0; skipBits < 8; skipBits += 2) look(runView('base64', run, skipBits, 6));
  });
}

function mappedView(form: ValueForm, bytes: Uint8Array, starts: Int32Array, length: number): DecodedView {
  return {
    form,
    bytes,
    length,
    from: (index) => starts[index]!,
    to: (index) => starts[index + 1]!,
    isOpen: true,
  };
}

function jsonView(text: Uint8Array): DecodedView {
  const bytes = new Uint8Array(text.length);
  const starts = new Int32Array(text.length + 1);
  let length = 0;
  let at = 0;
  while (at < text.length) {
    const single = text[at] === BACKSLASH && at + 1 < text.length ? SINGLE[text[at + 1]!]! : -1;
    if (single >= 0) {
      starts[length] = at;
      bytes[length++] = single;
      at += 2;
      continue;
    }
    const unit = unitAt(text, at);
    if (unit === CUT) break;
    if (unit < 0) {
      starts[length] = at;
      bytes[length++] = text[at]!;
      at += 1;
      continue;
    }
    const low = unit >= 0xd800 && unit <= 0xdbff ? unitAt(text, at + 6) : -1;
    if (low === CUT) break;
    const isPair = low >= 0xdc00 && low <= 0xdfff;
    const character = isPair ? String.fromCharCode(unit, low) : String.fromCharCode(unit);
    for (const byte of Buffer.from(character)) {
      starts[length] = at;
      bytes[length++] = byte;
    }
    at += isPair ? 12 : 6;
  }
  starts[length] = at;
  return mappedView('json', bytes, starts, length);
}

/** What `\uXXXX` stands for; -1 where there is none, CUT where the text ends within it. */
function unitAt(text: Uint8Array, at: number): number {
  if (at >= text.length) return CUT;
  if (text[at] !== BACKSLASH) return -1;
  if (at + 1 === text.length) return CUT;
  if (text[at + 1] !== SMALL_U) return -1;
  if (at + 6 > text.length) return CUT;
  let unit = 0;
  for (let digit = at + 2; digit < at + 6; digit += 1) {
    const value = HEX[text[digit]!]!;
    if (value < 0) return -1;
    unit = unit * 16 + value;
  }
  return unit;
}

function urlView(text: Uint8Array, plusIsSpace: boolean): DecodedView {
  const bytes = new Uint8Array(text.length);
  const starts = new Int32Array(text.length + 1);
  let length = 0;
  let at = 0;
  while (at < text.length) {
    // An escape that the text ends within may go on in the next one.
    if (text[at] === PERCENT && at + 2 >= text.length) break;
    starts[length] = at;
    const high = text[at] === PERCENT ? HEX[text[at + 1]!]! : -1;
    const low = high >= 0 ? HEX[text[at + 2]!]! : -1;
    if (low >= 0) {
      bytes[length++] = high * 16 + low;
      at += 3;
    } else {
      bytes[length++] = plusIsSpace && text[at] === PLUS ? SPACE : text[at]!;
      at += 1;
    }
  }
  starts[length] = at;
  return mappedView('url', bytes, starts, length);
}

interface EncodedRun {
  /** What each letter stands for, and where it is. */
  readonly values: Uint8Array;
  readonly places: Int32Array;
  readonly length: number;
  readonly end: number;
  readonly isOpen: boolean;
}

/** Stretches of at least `least` letters of an alphabet, also over line ends, since encoders break lines. */
function encodedRuns(
  text: Uint8Array,
  letters: Int16Array,
  least: number,
  look: (run: EncodedRun) => void,
): void {
  const values = new Uint8Array(text.length);
  const places = new Int32Array(text.length);
  for (let at = 0; at < text.length;) {
    let length = 0;
    let lineLength = 0;
    while (at < text.length) {
      const value = letters[text[at]!]!;
      if (value >= 0) {
        values[length] = value;
        places[length++] = at;
        lineLength += 1;
        at += 1;
      } else {
        const after = text[at] === CR && text[at + 1] === LF ? at + 2 : text[at] === LF ? at + 1 : -1;
        if (lineLength === 0 || after < 0 || (after < text.length && letters[text[after]!]! < 0)) break;
        at = after;
        if (after < text.length) lineLength = 0;
      }
    }
    const isOpen = at >= text.length && (text.at(-1) !== LF || lineLength >= MIN_BROKEN_LINE);
    if (length >= least || (length > 0 && isOpen)) look({ values, places, length, end: text.length, isOpen });
    if (at < text.length && letters[text[at]!]! < 0) at += 1;
  }
}

function runView(form: ValueForm, run: EncodedRun, skipBits: number, bitsPerLetter: number): DecodedView {
  const bytes = new Uint8Array(Math.ceil((run.length * bitsPerLetter) / 8));
  let length = 0;
  let bits = -skipBits;
  let gathered = 0;
  for (let letter = 0; letter < run.length; letter += 1) {
    gathered = ((gathered << bitsPerLetter) | run.values[letter]!) & 0xffff;
    bits += bitsPerLetter;
    if (bits < 8) continue;
    bits -= 8;
    bytes[length++] = (gathered >> bits) & 0xff;
  }
  return {
    form,
    bytes,
    length,
    from: (index) => {
      const letter = Math.floor((skipBits + index * 8) / bitsPerLetter);
      return letter < run.length ? run.places[letter]! : run.end;
    },
    to: (index) => run.places[Math.floor((skipBits + index * 8 + 7) / bitsPerLetter)]! + 1,
    isOpen: run.isOpen,
  };
}
