import type { Escapes } from './escapes.js';
import type { Report } from './found-value.js';
import { Places } from './places.js';
import type { ValueAutomaton } from './value-automaton.js';

/** Letters of the escape for one half of a surrogate pair, and what UTF-8 has for one that is alone. */
const HALF_PAIR = 6;
const REPLACEMENT = [0xef, 0xbf, 0xbd];

/**
 * Follows what a text says where it has escapes. It sleeps until one begins, and again as soon as no value that may have begun
 * has an escape in it: whoever reads the text as it stands sees the same then.
 */
export class EscapedText {
  readonly #escapes: Escapes;
  readonly #automaton: ValueAutomaton;
  readonly #report: Report;
  isAwake = false;
  #state = 0;
  /** Bytes that the text stood for, and how many of them up to the end of the last escape. */
  #count = 0;
  #escapedCount = 0;
  readonly #places = new Places();
  #pending: number[] = [];
  #pendingFrom = 0;

  constructor(escapes: Escapes, automaton: ValueAutomaton, report: Report) {
    this.#escapes = escapes;
    this.#automaton = automaton;
    this.#report = report;
  }

  begins(byte: number): boolean {
    return this.#escapes.begins(byte);
  }

  /** Before the byte at this place, with the state that the text as it stands is in. */
  wake(state: number, at: number): void {
    const depth = this.#automaton.depthOf(state);
    this.isAwake = true;
    this.#state = state;
    this.#count = depth;
    this.#escapedCount = depth;
    this.#places.mark(0, at - depth);
  }

  byte(byte: number, at: number): void {
    this.#read(byte, at);
    const sinceEscape = this.#count - this.#escapedCount;
    if (this.#pending.length === 0 && this.#automaton.depthOf(this.#state) <= sinceEscape) this.#sleep();
  }

  /** Like that of an encoded run. With `own` only what writers would write as an escape may go on as one. */
  openFrom(end: number, own: boolean): number {
    if (!this.isAwake) return end;
    const depth = this.#automaton.depthOf(this.#state);
    if (this.#pending.length === 0) return depth > 0 ? this.#places.of(this.#count - depth) : end;
    const open = own ? this.#automaton.depthBefore(this.#state, this.#escapes.escaped) : depth;
    if (open < 0) return end;
    return open === 0 ? this.#pendingFrom : this.#places.of(this.#count - open);
  }

  #read(byte: number, at: number): void {
    if (this.#pending.length === 0) {
      if (!this.#escapes.begins(byte)) return this.#take(byte, at, at + 1);
      this.#pendingFrom = at;
    }
    this.#pending.push(byte);
    const reading = this.#escapes.read(this.#pending);
    if (reading === 'none') this.#giveUp();
    else if (reading !== 'goes on') this.#stands(reading, at + 1);
  }

  /** What was read is no escape after all, or half a pair, which stands for what UTF-8 has in its place. */
  #giveUp(): void {
    const read = this.#pending;
    const from = this.#pendingFrom;
    this.#pending = [];
    const taken = read.length > HALF_PAIR ? HALF_PAIR : 1;
    if (taken === HALF_PAIR) this.#stands(REPLACEMENT, from + HALF_PAIR);
    else this.#take(read[0]!, from, from + 1);
    for (let at = taken; at < read.length; at += 1) this.#read(read[at]!, from + at);
  }

  #stands(bytes: readonly number[], to: number): void {
    this.#pending = [];
    const from = this.#pendingFrom;
    for (const byte of bytes) this.#take(byte, from, to);
    this.#escapedCount = this.#count;
    this.#places.mark(this.#count, to);
  }

  #take(byte: number, from: number, to: number): void {
    this.#places.mark(this.#count, from);
    this.#places.forget(this.#count - this.#automaton.longest);
    this.#count += 1;
    this.#state = this.#automaton.next(this.#state, byte);
    if (!this.#automaton.isEnd(this.#state)) return;
    this.#automaton.endsAt(this.#state, (value, length) => {
      const start = this.#places.of(this.#count - length);
      return this.#report({ form: this.#escapes.form, value, from: start, ownFrom: start, to });
    });
  }

  #sleep(): void {
    this.isAwake = false;
    this.#count = 0;
    this.#places.clear();
  }
}
