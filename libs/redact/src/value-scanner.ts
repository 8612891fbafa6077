import type { Beginnings } from './beginnings.js';
import { EncodedRun } from './encoded-run.js';
import { EscapedText } from './escaped-text.js';
import { FORM_ESCAPES, JSON_ESCAPES, URL_ESCAPES } from './escapes.js';
import type { Report } from './found-value.js';
import type { ValueAutomaton } from './value-automaton.js';

/** Of each byte: 1 for those at which an escape may begin. */
const BEGINS_ESCAPE = new Uint8Array(256);
for (const letter of '\\%+') BEGINS_ESCAPE[letter.charCodeAt(0)] = 1;

/** Reads a text bit by bit, and reports the values in it as soon as they end. Places are counted from the text's beginning. */
export class ValueScanner {
  readonly #automaton: ValueAutomaton;
  readonly #beginnings: Beginnings;
  readonly #report: Report;
  readonly #escaped: readonly EscapedText[];
  readonly #encoded: readonly EncodedRun[];
  #at = 0;
  /** As long as no value may have begun but with the last byte, which is nearly everywhere, that byte alone is kept. */
  #isDeep = true;
  #state = 0;
  #last = 0;
  #isAwake = false;
  readonly #staysDeep: boolean;

  constructor(automaton: ValueAutomaton, beginnings: Beginnings, report: Report) {
    this.#automaton = automaton;
    this.#beginnings = beginnings;
    this.#staysDeep = automaton.shortest === 1;
    this.#report = report;
    this.#escaped = [JSON_ESCAPES, URL_ESCAPES, FORM_ESCAPES].map(
      (escapes) => new EscapedText(escapes, automaton, report),
    );
    this.#encoded = (['base64', 'hex'] as const).map(
      (form) => new EncodedRun(form, automaton, beginnings, report),
    );
  }

  push(text: Uint8Array): void {
    if (this.#automaton.longest > 0) {
      this.#plain(text);
      for (const one of this.#encoded) one.push(text, this.#at);
    }
    this.#at += text.length;
  }

  /** From where on the text may be the beginning of a value that goes on, for whoever will read it again from there. */
  get openFrom(): number {
    return this.#openFrom(false);
  }

  /** Likewise, for whoever goes on with this scanner and hides what is a found value's own: nearly always less. */
  get heldFrom(): number {
    return this.#openFrom(true);
  }

  /** The text as it stands, and with escapes where it has some. */
  #plain(text: Uint8Array): void {
    const automaton = this.#automaton;
    const beginnings = this.#beginnings;
    let state = this.#state;
    let isDeep = this.#isDeep;
    let last = this.#last;
    let isAwake = this.#isAwake;
    for (let n = 0; n < text.length; n += 1) {
      const byte = text[n]!;
      const isEscape = isAwake || BEGINS_ESCAPE[byte] === 1;
      if (isEscape || isDeep || beginnings.has16((last << 8) | byte)) {
        const before = isDeep ? state : automaton.next(0, last);
        state = automaton.next(before, byte);
        if (automaton.isEnd(state)) this.#ended(state, this.#at + n + 1);
        isDeep = this.#staysDeep || automaton.depthOf(state) > 1;
        if (isEscape) isAwake = this.#escapes(byte, before, this.#at + n);
      }
      last = byte;
    }
    this.#state = state;
    this.#isDeep = isDeep;
    this.#last = last;
    this.#isAwake = isAwake;
  }

  #openFrom(own: boolean): number {
    const state = this.#isDeep ? this.#state : this.#automaton.next(0, this.#last);
    let first = this.#at - this.#automaton.depthOf(state);
    for (const one of this.#escaped) first = Math.min(first, one.openFrom(this.#at, own));
    for (const one of this.#encoded) first = Math.min(first, one.openFrom(this.#at, own));
    return first;
  }

  /** Says whether any escape still matters. */
  #escapes(byte: number, state: number, at: number): boolean {
    let isAwake = false;
    for (const one of this.#escaped) {
      if (!one.isAwake && one.begins(byte)) one.wake(state, at);
      if (one.isAwake) one.byte(byte, at);
      isAwake ||= one.isAwake;
    }
    return isAwake;
  }

  #ended(state: number, to: number): void {
    this.#automaton.endsAt(state, (value, length) =>
      this.#report({ form: 'raw', value, from: to - length, ownFrom: to - length, to }),
    );
  }
}
