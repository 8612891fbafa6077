import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BANDS } from './band.js';
import { pick, pickAtOnce, type Lane } from './pick.js';

interface World {
  readonly lanes: Lane[];
  readonly ceilings: { maxConcurrent: number; userMaxConcurrent: number };
  readonly byUser: Map<number, number>;
}
const world: fc.Arbitrary<World> = fc
  .record({
    queue: fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.constantFrom(...BANDS)), { maxLength: 60 }),
    running: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 6, maxLength: 6 }),
    maxConcurrent: fc.integer({ min: 1, max: 40 }),
    userMaxConcurrent: fc.integer({ min: 1, max: 6 }),
  })
  .map(({ queue, running, maxConcurrent, userMaxConcurrent }) => {
    const lanes = new Map<string, { userId: number; band: number; jobs: { id: string; ord: number }[] }>();
    for (const [ord, [userId, band]] of queue.entries()) {
      const lane = lanes.get(`${userId}/${band}`) ?? { userId, band, jobs: [] };
      lane.jobs.push({ id: String(ord), ord });
      lanes.set(`${userId}/${band}`, lane);
    }
    return {
      lanes: [...lanes.values()],
      ceilings: { maxConcurrent, userMaxConcurrent },
      byUser: new Map(running.map((n, user) => [user + 1, n])),
    };
  });

it('keeps every ceiling, idles no slot, and lets nobody pass who must wait', () => {
  fc.assert(
    fc.property(world, ({ lanes, ceilings, byUser }) => {
      const all = [...byUser.values()].reduce((a, b) => a + b, 0);
      const picked = pick(lanes, ceilings, { all, byUser });
      const jobs = new Map(
        lanes.flatMap((lane) =>
          lane.jobs.map((job) => [job.id, { ...job, userId: lane.userId, band: lane.band }] as const),
        ),
      );
      const held = new Map(byUser);
      for (const id of picked) held.set(jobs.get(id)!.userId, (held.get(jobs.get(id)!.userId) ?? 0) + 1);

      expect(new Set(picked).size).toBe(picked.length);
      expect(all + picked.length).toBeLessThanOrEqual(Math.max(all, ceilings.maxConcurrent));
      for (const [user, running] of held)
        expect(running).toBeLessThanOrEqual(Math.max(byUser.get(user) ?? 0, ceilings.userMaxConcurrent));

      const left = [...jobs.values()].filter(({ id }) => !picked.includes(id));
      const hasRoom = (userId: number): boolean => (held.get(userId) ?? 0) < ceilings.userMaxConcurrent;
      // Work-conserving: someone is left out only for a ceiling.
      if (all + picked.length < ceilings.maxConcurrent)
        expect(left.filter(({ userId }) => hasRoom(userId))).toEqual([]);
      for (const id of picked) {
        const mine = jobs.get(id)!;
        for (const other of left) {
          // Nobody who waits in a higher band, or longer in the same, was passed over but for their own ceiling.
          const isBefore = other.band > mine.band || (other.band === mine.band && other.ord < mine.ord);
          if (isBefore) expect(hasRoom(other.userId)).toBe(false);
          if (other.userId === mine.userId && other.band === mine.band)
            expect(other.ord).toBeGreaterThan(mine.ord);
        }
      }
    }),
  );
});

it('takes at once only what it would take from the queue, and all of it where there is room for all', () => {
  fc.assert(
    fc.property(world, ({ lanes, ceilings, byUser }) => {
      const taken = { all: [...byUser.values()].reduce((a, b) => a + b, 0), byUser };
      const jobs = lanes.flatMap((lane) => lane.jobs.map((job) => ({ ...job, userId: lane.userId })));
      const picked = pick(lanes, ceilings, taken);
      const atOnce = pickAtOnce(jobs, ceilings, taken).map(({ id }) => id);
      expect(picked).toEqual(expect.arrayContaining(atOnce));
      if (picked.length === jobs.length) expect(atOnce).toHaveLength(jobs.length);
    }),
  );
});
