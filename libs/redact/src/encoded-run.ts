import { BASE64, HEX } from './alphabets.js';
import type { Beginnings } from './beginnings.js';
import type { Report, ValueForm } from './found-value.js';
import { Places } from './places.js';
import type { ValueAutomaton } from './value-automaton.js';

/** Letters after which it is known whether a value begins with them: sixteen bits at least, wherever in the first it begins. */
const TOLD_BY = 4;
// A line as encoders break them is at least this long: what ends a shorter one ends it for good.
const MIN_BROKEN_LINE = 60;
const LF = 0x0a;
const CR = 0x0d;

/**
 * Letters of an alphabet one after the other, also over line ends, since encoders break lines. What they stand for is looked at
 * from each place where a value may begin by its first two bytes: values of fewer than three are not found everywhere.
 */
export class EncodedRun {
  readonly #form: ValueForm;
  readonly #alphabet: Int8Array;
  readonly #bits: number;
  readonly #automaton: ValueAutomaton;
  readonly #beginnings: Beginnings;
  readonly #report: Report;
  /** Of each way in which the bits fall into bytes (by the first bit of a byte, modulo 8, halved): the state, 0 when there is nothing to be followed. */
  readonly #states = new Int32Array(4);
  #followed = 0;
  /** The last letters' bits, and how many letters there were. */
  #key = 0;
  #letters = 0;
  /** Letters before this line, and where it begins. */
  #before = 0;
  #lineAt = 0;
  #lineEnd = 0;
  readonly #earlierLines = new Places();

  constructor(form: 'base64' | 'hex', automaton: ValueAutomaton, beginnings: Beginnings, report: Report) {
    this.#form = form;
    this.#alphabet = form === 'base64' ? BASE64 : HEX;
    this.#bits = form === 'base64' ? 6 : 4;
    this.#automaton = automaton;
    this.#beginnings = beginnings;
    this.#report = report;
  }

  push(text: Uint8Array, start: number): void {
    const alphabet = this.#alphabet;
    const bits = this.#bits;
    const beginnings = this.#beginnings;
    let key = this.#key;
    let letters = this.#letters;
    let isSimple = this.#isSimple;
    for (let n = 0; n < text.length; n += 1) {
      const byte = text[n]!;
      const value = alphabet[byte]!;
      if (value < 0) {
        if (letters === 0) continue;
        // The end of nearly every word.
        if (isSimple && byte > CR) {
          letters = 0;
          continue;
        }
        this.#letters = letters;
        this.#other(byte);
        letters = this.#letters;
        isSimple = this.#isSimple;
        continue;
      }
      if (letters === 0) this.#lineAt = start + n;
      else if (!isSimple && this.#lineEnd !== 0) {
        this.#letters = letters;
        this.#beginLine(start + n);
        letters = this.#letters;
      }
      key = (key << bits) | value;
      letters += 1;
      if (letters < TOLD_BY) continue;
      const mayBegin =
        bits === 4
          ? beginnings.has16(key)
          : beginnings.hasLetters(key >>> 12) &&
            (beginnings.has16(key >>> 8) || beginnings.has16(key >>> 6) || beginnings.has16(key >>> 4));
      if (!mayBegin && (isSimple || this.#followed === 0)) continue;
      this.#key = key;
      this.#letters = letters;
      if (this.#followed > 0) this.#goOn();
      if (mayBegin) this.#begin();
      isSimple = this.#isSimple;
    }
    this.#key = key;
    this.#letters = letters;
  }

  /** A single line, of which nothing is followed. */
  get #isSimple(): boolean {
    return this.#followed === 0 && this.#before === 0 && this.#lineEnd === 0;
  }

  /**
   * From where on the text, which goes up to `end`, may be the beginning of a value that goes on; `end` when it is not. With
   * `own` only what would be the value's own counts.
   */
  openFrom(end: number, own: boolean): number {
    if (this.#letters === 0) return end;
    if (this.#lineEnd !== 0 && this.#letters - this.#before < MIN_BROKEN_LINE) return end;
    const letterOf = (bit: number): number => (own ? this.#ownLetterOf(bit) : this.#letterOf(bit));
    let first = this.#letters;
    for (let phase = 0; phase < 4; phase += 1) {
      const state = this.#states[phase]!;
      if (state === 0) continue;
      const boundary = this.#total - this.#restOf(phase);
      first = Math.min(first, letterOf(boundary - this.#automaton.depthOf(state) * 8));
    }
    for (let back = 1; back <= Math.min(TOLD_BY - 1, this.#letters); back += 1)
      for (let skipped = 0; skipped < (this.#bits === 6 ? 6 : 1); skipped += 2) {
        const bits = back * this.#bits - skipped;
        if (this.#beginnings.has(this.#key, bits)) first = Math.min(first, letterOf(this.#total - bits));
      }
    return first < this.#letters ? this.#placeOf(first) : end;
  }

  /** What is no letter; only a line end in the middle does not end the run. */
  #other(byte: number): void {
    if (this.#lineEnd === 0 && (byte === LF || byte === CR)) this.#lineEnd = byte;
    else if (this.#lineEnd === CR && byte === LF) this.#lineEnd = LF;
    else this.#end();
  }

  #beginLine(at: number): void {
    if (this.#lineEnd === CR) this.#end();
    if (this.#letters > 0) {
      this.#earlierLines.mark(this.#before, this.#lineAt);
      this.#earlierLines.forget(
        this.#letters - TOLD_BY - Math.ceil((this.#automaton.longest * 8) / this.#bits),
      );
    }
    this.#before = this.#letters;
    this.#lineAt = at;
    this.#lineEnd = 0;
  }

  #end(): void {
    if (this.#before > 0) this.#earlierLines.clear();
    if (this.#followed > 0) this.#states.fill(0);
    this.#followed = 0;
    this.#letters = 0;
    this.#before = 0;
    this.#lineEnd = 0;
  }

  get #total(): number {
    return this.#letters * this.#bits;
  }

  /** Bits after the last whole byte. */
  #restOf(phase: number): number {
    return (this.#total - phase * 2) & 7;
  }

  /** The letter in which the bit is. */
  #letterOf(bit: number): number {
    return Math.floor(bit / this.#bits);
  }

  /**
   * The first letter of a value that begins with this bit of which only it can be hidden: a part of a letter tells little, and so
   * does the first digit of hex, for which nearly every number in a text would have to wait.
   */
  #ownLetterOf(bit: number): number {
    return this.#form === 'hex' ? bit / this.#bits + 1 : Math.ceil(bit / this.#bits);
  }

  #placeOf(letter: number): number {
    return letter >= this.#before ? this.#lineAt + letter - this.#before : this.#earlierLines.of(letter);
  }

  #goOn(): void {
    for (let phase = 0; phase < 4; phase += 1) {
      const rest = this.#restOf(phase);
      if (this.#states[phase] === 0 || rest >= this.#bits) continue;
      this.#take(phase, rest);
      if (this.#states[phase] === 0) this.#followed -= 1;
    }
  }

  /** A value may begin in the first of the last letters. */
  #begin(): void {
    const all = TOLD_BY * this.#bits;
    for (let bits = all; bits >= 16 && bits > all - this.#bits; bits -= 2) {
      const phase = ((this.#total - bits) & 7) >> 1;
      // What is followed sees it, too.
      if (this.#states[phase] !== 0 || !this.#beginnings.has16(this.#key >>> (bits - 16))) continue;
      for (let rest = bits - 8; rest >= 0; rest -= 8) this.#take(phase, rest);
      if (this.#states[phase] !== 0) this.#followed += 1;
    }
  }

  /** Goes on with the byte before so many bits. */
  #take(phase: number, rest: number): void {
    const state = this.#automaton.next(this.#states[phase]!, (this.#key >>> rest) & 0xff);
    this.#states[phase] = state;
    if (!this.#automaton.isEnd(state)) return;
    const end = this.#total - rest;
    const to = this.#placeOf(this.#letterOf(end - 1)) + 1;
    this.#automaton.endsAt(state, (value, length) => {
      const from = this.#placeOf(this.#letterOf(end - length * 8));
      const ownFrom = this.#placeOf(this.#ownLetterOf(end - length * 8));
      return this.#report({ form: this.#form, value, from, ownFrom, to });
    });
  }
}
