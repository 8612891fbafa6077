import { expect, it } from 'vitest';
import { poolsTaken, type PoolLimit } from './pools.js';
import { victimsFor, type Victim } from './preempt.js';

const limits: PoolLimit[] = [{ kind: 'hardware', name: 'h100', atMost: 4, isPaused: false }];
const victim = (id: string, band: number, startedAtMs: number, more: Partial<Victim> = {}): Victim => ({
  id,
  band,
  startedAtMs,
  provider: 'acme',
  hardware: 'h100',
  gpus: 1,
  ...more,
});
const wants = (gpus: number, more: object = {}) => ({
  id: 'job',
  band: 60,
  provider: 'acme',
  hardware: 'h100',
  gpus,
  ...more,
});
const stopped = (job: ReturnType<typeof wants>, victims: Victim[], freeSlots: number): string[] =>
  victimsFor(job, victims, limits, {
    taken: poolsTaken(
      limits,
      victims.map((one) => ({ ...one, running: 1 })),
    ),
    freeSlots,
  }).map(({ id }) => id);

const four = [victim('a', 20, 4), victim('b', 20, 9), victim('c', 40, 1), victim('d', 40, 2)];

it.each<[string, ReturnType<typeof wants>, Victim[], number, string[]]>([
  ['the lowest band first, of it who ran least', wants(1), four, 5, ['b']],
  ['as many as it needs', wants(3), four, 5, ['b', 'a', 'd']],
  ['nobody where it fits', wants(1), four.slice(0, 3), 5, []],
  ['nobody of its own band', wants(1, { band: 20 }), four, 5, []],
  ['nobody where all of them would not do', wants(5), four, 5, []],
  ['one where the house is full', wants(1, { hardware: 'a100' }), four, 0, ['b']],
  [
    'none whose machines are not in the way',
    wants(1),
    [victim('x', 0, 1, { hardware: 'a100' }), ...four],
    5,
    ['b'],
  ],
])('stops %s', (_, job, victims, freeSlots, ids) => {
  expect(stopped(job, victims, freeSlots)).toEqual(ids);
});
