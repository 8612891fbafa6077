import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RecentEvents } from './recent-events.js';

const event = (at: number, bytes = 1) => ({ at, owner: undefined, frame: Buffer.alloc(bytes) });
const places = (recent: RecentEvents, after: number, limit = 100): number[] | undefined =>
  recent.after(after, limit)?.map(({ at }) => at);

it('gives what is behind a place, and says when some of it may be gone', () => {
  const recent = new RecentEvents('a', 10, { events: 3, bytes: 1_000 });
  expect(places(recent, 10)).toEqual([]);
  expect(places(recent, 9)).toBeUndefined();
  for (const at of [12, 15, 15, 13, 19, 20]) recent.add(event(at));
  expect(recent.size).toBe(3);
  expect(places(recent, 11)).toBeUndefined();
  expect(places(recent, 12)).toEqual([15, 19, 20]);
  expect(places(recent, 17, 1)).toEqual([19]);
  expect(places(recent, 99)).toEqual([]);
  recent.reached(30);
  recent.add(event(25));
  expect([recent.newest, places(recent, 20)]).toEqual([30, []]);
});

it('keeps no more bytes than it may', () => {
  const recent = new RecentEvents('a', 0, { events: 100, bytes: 10 });
  for (const at of [1, 2, 3]) recent.add(event(at, 4));
  expect(places(recent, 1)).toEqual([2, 3]);
  expect(places(recent, 0)).toBeUndefined();
});

it('leaves nothing out and gives nothing twice, however much is added between two looks', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2_000 }),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 1, max: 300 })), {
        maxLength: 30,
      }),
      (kept, rounds) => {
        const recent = new RecentEvents('a', 0, { events: kept, bytes: 1e9 });
        let [added, at] = [0, 0];
        for (const [more, limit] of rounds) {
          for (let n = 0; n < more; n += 1) recent.add(event((added += 1)));
          const next = places(recent, at, limit);
          expect(next === undefined).toBe(added - at > kept);
          const wanted = next ?? [];
          if (next) expect(wanted).toEqual(range(at + 1, Math.min(added, at + limit)));
          at = next ? (wanted.at(-1) ?? at) : recent.newest;
        }
      },
    ),
  );
});

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => from + n);
