import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PoolLimit } from './pools.js';
import { Backfill, reservationFor, type Runs } from './reservation.js';

const NOW = 1_000_000_000;
const limits: PoolLimit[] = [{ kind: 'hardware', name: 'h100*', atMost: 8, isPaused: false }];
const machine = (gpus: number, hardware = 'h100-80g') => ({ provider: 'acme', hardware, gpus });
const runs = (gpus: number, endsInMs: number): Runs => ({ ...machine(gpus), endsAtMs: NOW + endsInMs });
const big = (gpus: number) => ({ id: 'big', ...machine(gpus) });

describe('what is kept for a job', () => {
  it.each<[string, number, Runs[], object | undefined]>([
    ['all of it when enough is free', 4, [runs(4, 100)], { fromMs: NOW, spare: 0 }],
    ['from when enough have ended', 8, [runs(4, 100), runs(2, 300)], { fromMs: NOW + 300, spare: 0 }],
    ['and what is spare then', 4, [runs(3, 100), runs(3, 300)], { fromMs: NOW + 100, spare: 1 }],
    ['from now where a run is longer than was expected', 8, [runs(8, -50)], { fromMs: NOW, spare: 0 }],
    ['nothing of a job that never fits', 9, [], undefined],
  ])('is %s', (_, gpus, running, kept) => {
    const found = reservationFor(big(gpus), limits, running, NOW);
    expect(found && { fromMs: found.fromMs, spare: found.spare }).toEqual(kept);
  });

  it('is nothing where nothing bounds it', () => {
    expect(reservationFor({ id: 'big', ...machine(8, 'a100') }, limits, [], NOW)).toBeUndefined();
  });
});

describe('backfill', () => {
  const backfill = (): Backfill =>
    new Backfill(reservationFor(big(6), limits, [runs(5, 10_000)], NOW)!, limits, NOW);
  const small = (gpus: number, seconds: number, more: object = {}) => ({
    id: 'small',
    ...machine(gpus),
    seconds,
    ...more,
  });

  it.each<[string, Parameters<Backfill['lets']>[0], boolean]>([
    ['who is over in time', small(3, 10), true],
    ['not who is not, and takes too much', small(3, 11), false],
    ['who takes what is spare', small(2, 1_000), true],
    ['whom it does not concern', small(8, 1_000, { hardware: 'a100' }), true],
    ['the job itself', { ...big(6), seconds: 1_000 }, true],
  ])('lets %s go', (_, job, goes) => {
    expect(backfill().lets(job)).toBe(goes);
  });

  it('lets no two take what is spare once', () => {
    const one = backfill();
    expect([one.lets(small(2, 1_000)), one.lets(small(1, 1_000)), one.lets(small(1, 10))]).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('never lets the big job wait longer than it was told, however small jobs come', () => {
    const run = fc.record({ gpus: fc.integer({ min: 1, max: 4 }), seconds: fc.integer({ min: 1, max: 50 }) });
    fc.assert(
      fc.property(
        fc.array(run, { maxLength: 5 }),
        fc.array(run, { maxLength: 30 }),
        fc.integer({ min: 2, max: 8 }),
        (first, later, gpus) => {
          let free = 8;
          const running: Runs[] = [];
          for (const one of first) {
            if (one.gpus > free) continue;
            free -= one.gpus;
            running.push(runs(one.gpus, one.seconds * 1_000));
          }
          const kept = reservationFor(big(gpus), limits, running, NOW)!;
          const guard = new Backfill(kept, limits, NOW);
          for (const [n, one] of later.entries()) {
            if (
              one.gpus > free ||
              !guard.lets({ id: `small ${n}`, ...machine(one.gpus), seconds: one.seconds })
            )
              continue;
            free -= one.gpus;
            running.push(runs(one.gpus, one.seconds * 1_000));
          }
          const stillThere = running.filter(({ endsAtMs }) => endsAtMs > kept.fromMs);
          expect(stillThere.reduce((sum, one) => sum + one.gpus, 0) + gpus).toBeLessThanOrEqual(8);
        },
      ),
    );
  });
});
