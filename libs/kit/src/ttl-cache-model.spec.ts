import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TestClock } from './test-clock.fixture.js';
import { TtlCache } from './ttl-cache.js';

const TTL_MS = 10;

/** What a TtlCache is, as simply as it can be said: a list, the least recently used first. */
class Naive {
  list: { key: string; value: number; endsMs: number }[] = [];

  constructor(
    private readonly clock: TestClock,
    private readonly maxEntries: number,
  ) {}

  get(key: string): number | undefined {
    const found = this.list.find((entry) => entry.key === key);
    this.delete(key);
    if (!found || !this.#counts(found)) return undefined;
    this.list.push(found);
    return found.value;
  }

  set(key: string, value: number, ttlMs: number): void {
    this.delete(key);
    if (ttlMs > 0) this.list.push({ key, value, endsMs: this.clock.ms + ttlMs });
    if (this.list.length > this.maxEntries) this.list.shift();
  }

  delete(key: string): boolean {
    return this.deleteIf((entry) => entry.key === key) > 0;
  }

  deleteIf(matches: (entry: { key: string; value: number }) => boolean): number {
    const gone = this.list.filter(matches);
    this.list = this.list.filter((entry) => !gone.includes(entry));
    return gone.filter((entry) => this.#counts(entry)).length;
  }

  #counts = ({ endsMs }: { endsMs: number }): boolean => this.clock.ms < endsMs;
}

interface Both {
  readonly clock: TestClock;
  readonly cache: TtlCache<number>;
  readonly naive: Naive;
}
const key = fc.constantFrom('a', 'a:1', 'a:2', 'ab', 'b', 'b:1', 'c', 'd');
const step = fc.oneof<fc.Arbitrary<(both: Both) => void>[]>(
  key.map(
    (k) =>
      ({ cache, naive }) =>
        expect(cache.get(k)).toBe(naive.get(k)),
  ),
  fc
    .tuple(key, fc.nat(9), fc.integer({ min: -1, max: 20 }))
    .map(([k, value, ttlMs]) => ({ cache, naive }) => {
      cache.set(k, value, ttlMs);
      naive.set(k, value, ttlMs);
    }),
  fc.tuple(key, fc.nat(9)).map(([k, value]) => ({ cache, naive }) => {
    const before = naive.get(k);
    expect(cache.getOrMake(k, () => value)).toBe(before ?? value);
    if (before === undefined) naive.set(k, value, TTL_MS);
  }),
  key.map(
    (k) =>
      ({ cache, naive }) =>
        expect(cache.delete(k)).toBe(naive.delete(k)),
  ),
  fc.constantFrom('a', 'a:', 'b', 'x', '').map((prefix) => ({ cache, naive }) => {
    expect(cache.deletePrefix(prefix)).toBe(naive.deleteIf((entry) => entry.key.startsWith(prefix)));
  }),
  fc.nat(9).map((value) => ({ cache, naive }) => {
    expect(cache.deleteWhere((held) => held === value)).toBe(
      naive.deleteIf((entry) => entry.value === value),
    );
  }),
  fc.nat(12).map(
    (ms) =>
      ({ clock }) =>
        void (clock.ms += ms),
  ),
);

it('is a list of entries that end, the least recently used first', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 60 }), (maxEntries, steps) => {
      const clock = new TestClock();
      const both = {
        clock,
        cache: new TtlCache<number>({ clock, ttlMs: TTL_MS, maxEntries }),
        naive: new Naive(clock, maxEntries),
      };
      for (const take of steps) {
        take(both);
        expect(both.cache.size).toBeLessThanOrEqual(maxEntries);
      }
    }),
    { numRuns: 1_000 },
  );
});

it('brings what was loaded last, whatever is dropped while loads are under way', async () => {
  const event = fc.oneof(
    fc.record({ is: fc.constant('load' as const), key: fc.constantFrom('a', 'b') }),
    fc.record({ is: fc.constant('land' as const), nth: fc.nat(5) }),
    fc.record({ is: fc.constant('drop' as const), key: fc.constantFrom('a', 'b', '') }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 30 }), async (events) => {
      const cache = new TtlCache<number>({ clock: new TestClock(), ttlMs: TTL_MS, maxEntries: 10 });
      const droppedAt = { a: -1, b: -1 };
      const underWay: { land: () => void; done: Promise<number> }[] = [];
      for (const [now, happened] of events.entries()) {
        if (happened.is === 'load') {
          let land = (): void => undefined;
          const began = cache.getOrLoad(
            happened.key,
            () => new Promise((resolve) => (land = () => resolve(now))),
          );
          underWay.push({ land: () => land(), done: began });
        } else if (happened.is === 'land') {
          const [one] = underWay.splice(happened.nth % Math.max(1, underWay.length), 1);
          one?.land();
          await new Promise(setImmediate);
        } else {
          cache.deletePrefix(happened.key);
          for (const k of ['a', 'b'] as const) if (k.startsWith(happened.key)) droppedAt[k] = now;
        }
        // What is in the cache was asked for after the last drop: nobody sees what was before it.
        for (const k of ['a', 'b'] as const)
          expect(cache.get(k) ?? Infinity, `${k} after ${now}`).toBeGreaterThan(droppedAt[k]);
      }
    }),
    { numRuns: 300 },
  );
});
