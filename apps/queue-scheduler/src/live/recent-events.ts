import type { Owner } from '@lineclear/access';

/** An event that is kept for a while, and whose job it is about; undefined where nobody knows. */
export interface RecentEvent {
  readonly at: number;
  readonly owner: Owner | undefined;
  readonly frame: Buffer;
}

export interface Bounds {
  readonly events: number;
  readonly bytes: number;
}

const COMPACT_AFTER = 1_024;

/** The last events of one stream, in its order. All open connections read from here, each at its own pace. */
export class RecentEvents {
  readonly #events: RecentEvent[] = [];
  /** The first of `#events` that still counts. */
  #first = 0;
  #bytes = 0;
  #oldest: number;
  #newest: number;

  constructor(
    readonly life: string,
    startsAfter: number,
    private readonly bounds: Bounds,
  ) {
    this.#oldest = startsAfter;
    this.#newest = startsAfter;
  }

  /** How far the stream is known. */
  get newest(): number {
    return this.#newest;
  }

  /** How many are kept. */
  get size(): number {
    return this.#events.length - this.#first;
  }

  add(event: RecentEvent): void {
    if (event.at <= this.#newest) return;
    this.#newest = event.at;
    this.#events.push(event);
    this.#bytes += event.frame.length;
    while (this.size > this.bounds.events || this.#bytes > this.bounds.bytes) this.#forget();
  }

  /** There is nothing more up to this place. */
  reached(at: number): void {
    this.#newest = Math.max(this.#newest, at);
  }

  /** Up to `limit` events behind a place; undefined when some of them may be gone. */
  after(at: number, limit: number): readonly RecentEvent[] | undefined {
    if (at < this.#oldest) return undefined;
    // The first one behind it, by halves.
    let [low, high] = [this.#first, this.#events.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#events[middle]!.at <= at) low = middle + 1;
      else high = middle;
    }
    return this.#events.slice(low, low + limit);
  }

  #forget(): void {
    const gone = this.#events[this.#first]!;
    this.#oldest = gone.at;
    this.#bytes -= gone.frame.length;
    this.#first += 1;
    if (this.#first < COMPACT_AFTER || this.#first * 2 < this.#events.length) return;
    this.#events.splice(0, this.#first);
    this.#first = 0;
  }
}
