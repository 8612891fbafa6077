import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ceilingsOf, pick, pickAtOnce, takingsOf, type Waiting } from './pick.js';
import { naivePick, world, type QueuedJob, type World } from './world.fixture.js';

const ready = ({ queue, quotas, userMaxConcurrent }: World): (QueuedJob & Waiting)[] =>
  queue.map((job) => ({ ...job, holds: ceilingsOf(quotas, job, userMaxConcurrent) }));
const roomIn = ({ maxConcurrent, running }: World): number => Math.max(0, maxConcurrent - running.length);

it('agrees with a naive calculation on any tree of ceilings', () => {
  fc.assert(
    fc.property(world, (given) => {
      const picked = pick(ready(given), roomIn(given), given.taken);
      expect(picked.map(({ id }) => id)).toEqual(naivePick(given));
    }),
    { numRuns: 2_000 },
  );
});

it('keeps every ceiling, idles no slot, and lets nobody pass who must wait', () => {
  fc.assert(
    fc.property(world, (given) => {
      const queue = ready(given);
      const picked = pick(queue, roomIn(given), given.taken);
      const held = new Map(given.taken);
      for (const { holder, jobs, atMost } of takingsOf(picked)) {
        held.set(holder, (held.get(holder) ?? 0) + jobs);
        expect(held.get(holder)).toBeLessThanOrEqual(atMost);
      }

      expect(new Set(picked).size).toBe(picked.length);
      expect(picked.length).toBeLessThanOrEqual(roomIn(given));

      const left = queue.filter((job) => !picked.includes(job));
      const hasRoom = ({ holds }: Waiting): boolean =>
        holds.every(({ holder, atMost }) => (held.get(holder) ?? 0) < atMost);
      // Work-conserving: someone is left out only for a ceiling.
      if (picked.length < roomIn(given)) expect(left.filter(hasRoom)).toEqual([]);
      // Nobody who waits in a higher band, or longer in the same, was passed over but for a ceiling.
      for (const other of left)
        if (picked.some((job) => queue.indexOf(job) > queue.indexOf(other)))
          expect(hasRoom(other)).toBe(false);
    }),
  );
});

it('takes at once only what it would take from the queue, and all of it where there is room for all', () => {
  fc.assert(
    fc.property(world, (given) => {
      const queue = ready(given);
      const picked = pick(queue, roomIn(given), given.taken);
      const atOnce = pickAtOnce(queue, roomIn(given), given.taken);
      expect(picked).toEqual(expect.arrayContaining(atOnce));
      // Somebody whose level was changed just now has jobs of two ceilings: those are left to the queue.
      const ceilings = new Map(
        queue.flatMap(({ holds }) => holds).map(({ holder, atMost }) => [holder, atMost]),
      );
      const isOneEach = queue.every(({ holds }) =>
        holds.every(({ holder, atMost }) => ceilings.get(holder) === atMost),
      );
      if (picked.length === queue.length && isOneEach) expect(atOnce).toHaveLength(queue.length);
    }),
    { numRuns: 1_000 },
  );
});

it('asks last whether a job can be afforded, and goes on to the next when it cannot', () => {
  const holds = [{ holder: 'user:1' as const, atMost: 2 }];
  const queue = ['a', 'b', 'c', 'd'].map((id) => ({ id, holds }));
  const asked: string[] = [];
  const picked = pick(queue, 9, new Map(), ({ id }) => {
    asked.push(id);
    return id !== 'a';
  });
  expect(picked.map(({ id }) => id)).toEqual(['b', 'c']);
  expect(asked).toEqual(['a', 'b', 'c']);
});
