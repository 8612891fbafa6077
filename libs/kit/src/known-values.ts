import { viewEach, type ValueForm } from './decoded-views.js';
import { ValueAutomaton } from './value-automaton.js';

/** A value as it stands in a text: which, how it is written, and between which bytes. */
export interface FoundValue {
  readonly value: number;
  readonly form: ValueForm;
  readonly from: number;
  readonly to: number;
}

/**
 * Finds known values in texts, written raw, as JSON or URLs write them, in base64 (either alphabet, any alignment, over broken
 * lines) or in hex, in time that grows with the text alone. It holds the values' bytes in memory: `drop` overwrites them.
 */
export class KnownValues {
  readonly #automaton: ValueAutomaton;

  constructor(values: readonly Uint8Array[]) {
    this.#automaton = new ValueAutomaton(values);
  }

  /**
   * Reports, of what ends at one place in one form, every value, the longest first, for as long as `report` asks for more: who
   * has heard of a value needs to hear of none that is in it. Gives back from which byte on the text may be the beginning of a
   * value that goes on in the next text; the text's length when it is not.
   */
  find(text: Uint8Array, report: (found: FoundValue) => boolean): number {
    let openFrom = text.length;
    if (this.#automaton.shortest === 0) return openFrom;
    viewEach(text, this.#automaton.shortest, (view) => {
      const { form } = view;
      const open = this.#automaton.walk(view.bytes, view.length, (first, end, length) => {
        const place = { form, from: view.from(end - length), to: view.to(end - 1) };
        for (let value = first; value >= 0; value = this.#automaton.twins[value]!)
          if (!report({ ...place, value })) return false;
        return true;
      });
      if (view.isOpen) openFrom = Math.min(openFrom, view.from(view.length - open));
    });
    return openFrom;
  }

  /** Which of the values are in the text, each once, with the form in which it was found first. */
  foundIn(text: Uint8Array): ReadonlyMap<number, ValueForm> {
    const found = new Map<number, ValueForm>();
    this.find(text, ({ value, form }) => {
      if (found.has(value)) return false;
      found.set(value, form);
      return true;
    });
    return found;
  }

  drop(): void {
    this.#automaton.drop();
  }
}
