import type { Tx } from '@lineclear/kit';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pick } from '../src/db/pick.js';
import * as slots from '../src/db/slots.repo.js';
import { naivePick, NOW_MS, world } from '../src/domain/world.fixture.js';
import { claim, furnish, Undo } from './furnish-world.js';
import { openHouse, type House } from './house.js';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house?.close());

/** Only this transaction sees any of it, the service's own picks wait, and it leaves no trace. */
const inVain = (work: (tx: Tx) => Promise<void>): Promise<void> =>
  house.service.database
    .tx(async (tx) => {
      await work(tx);
      throw new Undo();
    })
    .catch((error: unknown) => {
      if (!(error instanceof Undo)) throw error;
    });

it('picks in SQL what the policy picks', async () => {
  const given = fc.tuple(world, fc.integer({ min: 1, max: 8 }), fc.boolean());
  await fc.assert(
    fc.asyncProperty(given, async ([one, atMost, isMarked]) => {
      const got: string[] = [];
      await inVain(async (tx) => {
        const sharing = await slots.enter(tx);
        await furnish(tx, one, isMarked);
        const jobs = new Map(one.queue.map((job) => [job.id, job]));
        for (let more = true; more;) {
          const picked = await pick(tx, atMost, new Date(NOW_MS));
          got.push(...picked.jobIds);
          const gone = picked.jobIds.flatMap((id) => jobs.get(id) ?? []);
          await claim(tx, gone, picked, sharing);
          ({ more } = picked);
        }
      });
      expect(got).toEqual(naivePick(one));
    }),
    { numRuns: 200 },
  );
});
