import { expect, it } from 'vitest';
import type { Attempt, Job } from './job.js';
import { spendDeltas } from './provider-spend.js';
import { WAITING } from './usage.js';

const DAY = new Date('2026-11-28T00:00:00Z');
const at = (hours: number): Date => new Date(DAY.getTime() + hours * 3_600_000);
const job = (more: Partial<Job>): Job =>
  ({
    provider: 'acme',
    state: 'queued',
    gpus: 1,
    estimatedDurationSeconds: 60,
    estimatedCostUsd: 10,
    submittedAt: at(1),
    claimedAt: null,
    startedAt: null,
    endedAt: null,
    costUsd: null,
    attempts: [],
    ...more,
  }) as Job;
const queued = job({});
const claimed = job({ state: 'dispatching', claimedAt: at(23) });
const over = (cost_usd: number, hours: number) =>
  ({
    cost_usd,
    gpus: 1,
    claimed_at: at(hours).toISOString(),
    started_at: null,
    ended_at: at(30).toISOString(),
  }) as Attempt;
const ended = job({ state: 'completed', claimedAt: at(23), endedAt: at(30), attempts: [over(4, 23)] });
const again = job({ attempts: [over(4, 23)] });

it.each<[string, Job | undefined, Job, object[]]>([
  ['waits from the submit on', undefined, queued, [{ day: WAITING, usd: 10 }]],
  [
    'is set aside at the claim',
    queued,
    claimed,
    [
      { day: WAITING, usd: -10 },
      { day: DAY, usd: 10 },
    ],
  ],
  ['is set aside at once where nobody waits', undefined, claimed, [{ day: DAY, usd: 10 }]],
  ['is what it was at the end, on the day of the claim', claimed, ended, [{ day: DAY, usd: -6 }]],
  [
    'waits for another attempt, and what the one before cost stays',
    claimed,
    again,
    [
      { day: DAY, usd: -6 },
      { day: WAITING, usd: 10 },
    ],
  ],
  ['is given back', queued, job({ state: 'cancelled', endedAt: at(2) }), [{ day: WAITING, usd: -10 }]],
  ['stays', claimed, job({ state: 'running', claimedAt: at(23), startedAt: at(23) }), []],
  ['is nothing', undefined, job({ estimatedCostUsd: 0 }), []],
])('money %s', (_, before, after, deltas) => {
  expect(spendDeltas([{ before, after }])).toEqual(deltas.map((delta) => ({ provider: 'acme', ...delta })));
});

it('sums up what is of one provider and day', () => {
  const other = job({ provider: 'umbra' });
  expect(spendDeltas([queued, queued, other].map((after) => ({ before: undefined, after })))).toEqual([
    { provider: 'acme', day: WAITING, usd: 20 },
    { provider: 'umbra', day: WAITING, usd: 10 },
  ]);
});
