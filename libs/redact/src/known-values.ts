import { Beginnings } from './beginnings.js';
import type { FoundValue, Report, ValueForm } from './found-value.js';
import { ValueAutomaton } from './value-automaton.js';
import { ValueScanner } from './value-scanner.js';

/**
 * Finds known values in texts, written raw, as JSON or URLs write them, in base64 (either alphabet, any alignment, over broken
 * lines) or in hex, in time that grows with the text alone. It holds the values' bytes in memory: `drop` overwrites them.
 */
export class KnownValues {
  readonly #automaton: ValueAutomaton;
  readonly #beginnings: Beginnings;

  constructor(values: readonly Uint8Array[]) {
    this.#automaton = new ValueAutomaton(values);
    this.#beginnings = new Beginnings(values);
  }

  /**
   * Reports, of what ends at one place in one form, every value, the longest first, for as long as `report` asks for more: who
   * has heard of a value needs to hear of none that is in it. Gives back from which byte on the text may be the beginning of a
   * value that goes on in the next text; the text's length when it is not.
   */
  find(text: Uint8Array, report: Report): number {
    const scanner = this.scanner(report);
    scanner.push(text);
    return scanner.openFrom;
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

  /** For a text that comes in pieces. Reports like `find`. */
  scanner(report: Report): ValueScanner {
    return new ValueScanner(this.#automaton, this.#beginnings, (found) => this.#withTwins(found, report));
  }

  drop(): void {
    this.#automaton.drop();
    this.#beginnings.drop();
  }

  #withTwins(found: FoundValue, report: Report): boolean {
    for (let value = found.value; value >= 0; value = this.#automaton.twins[value]!)
      if (!report({ ...found, value })) return false;
    return true;
  }
}
