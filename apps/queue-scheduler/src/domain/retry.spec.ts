import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aJob } from './job.fixture.js';
import type { Attempt, Job } from './job.js';
import { FAILURES, failureOf, mostItMayCost, nextAttempt, type RetryPolicy } from './retry.js';

const NOW = new Date('2026-11-28T12:00:00.000Z');
const ids = { claimId: '01920000-0000-7000-8000-000000000001', now: NOW };
const big = { hardware: 'big', cost_per_hour_usd: 4, gpus: 2 };
const bigger = { hardware: 'bigger', cost_per_hour_usd: 10, gpus: 8 };
const policy = (more: Partial<RetryPolicy> = {}): RetryPolicy => ({
  max_attempts: 5,
  on: FAILURES,
  backoff_seconds: 30,
  oom_hardware: [],
  ...more,
});
const over = (attempt: number, more: Partial<Attempt> = {}): Attempt => ({
  attempt,
  hardware: 'gpu',
  gpus: 1,
  outcome: 'failed',
  cause: null,
  message: null,
  is_preempted: false,
  queued_at: NOW.toISOString(),
  claimed_at: NOW.toISOString(),
  started_at: NOW.toISOString(),
  ended_at: NOW.toISOString(),
  cost_usd: 1,
  ...more,
});
const after = (retry: RetryPolicy, last: Attempt, more: Partial<Job> = {}) =>
  nextAttempt(
    aJob('running', ids, { retry, attempt: last.attempt, ...more }),
    Array.from({ length: last.attempt }, () => last),
    NOW,
  );

describe('failures', () => {
  it.each([
    ['succeeded', undefined, undefined],
    ['cancelled', 'preempted', undefined],
    ['refused', undefined, undefined],
    ['refused', 'no_capacity', 'no_capacity'],
    ['failed', undefined, 'failed'],
    ['failed', 'oom', 'oom'],
    ['lost', undefined, 'lost'],
    ['timed_out', undefined, 'timed_out'],
  ] as const)('%s for %s is %s', (outcome, cause, failure) => {
    expect(failureOf(outcome, cause)).toBe(failure);
  });
});

describe('the pause before another attempt', () => {
  it.each([
    [1, 30],
    [2, 60],
    [3, 120],
    [4, 240],
  ])('after attempt %d is %d seconds', (attempt, seconds) => {
    expect(after(policy(), over(attempt))?.notBefore).toEqual(new Date(NOW.getTime() + seconds * 1_000));
  });

  it('is none at all where none is wanted', () => {
    expect(after(policy({ backoff_seconds: 0 }), over(3))?.notBefore).toBeNull();
  });

  it('is never longer than an hour', () => {
    const long = policy({ max_attempts: 20, backoff_seconds: 3_600 });
    expect(after(long, over(19))?.notBefore).toEqual(new Date(NOW.getTime() + 3_600_000));
  });
});

describe('the machine of another attempt', () => {
  const retry = policy({ oom_hardware: [big, bigger] });
  const oom = { cause: 'oom' } as const;

  it.each<[string, Attempt, string, string]>([
    ['the same after another failure', over(1), 'gpu', 'gpu'],
    ['the next after no memory', over(1, oom), 'gpu', 'big'],
    ['the one after that', over(2, oom), 'big', 'bigger'],
    ['the last once there is no bigger one', over(3, oom), 'bigger', 'bigger'],
  ])('is %s', (_, last, hardware, next) => {
    expect(after(retry, last, { hardware })?.hardware).toBe(next);
  });
});

it('all attempts may cost what the dearest machine costs for all of them', () => {
  const cost = { costPerHourUsd: 2, estimatedDurationSeconds: 1_800, preemptible: false };
  expect(mostItMayCost({ ...cost, retry: null })).toBe(1);
  expect(mostItMayCost({ ...cost, retry: policy({ max_attempts: 3 }) })).toBe(3);
  expect(mostItMayCost({ ...cost, retry: null, preemptible: true })).toBe(3);
  expect(mostItMayCost({ ...cost, retry: policy({ max_attempts: 3, oom_hardware: [big, bigger] }) })).toBe(
    15,
  );
});

it('no job costs more than all of its attempts may, as estimated', () => {
  const failure = fc.constantFrom(undefined, 'oom' as const, 'preempted' as const);
  fc.assert(
    fc.property(
      fc.array(failure, { maxLength: 10 }),
      fc.integer({ min: 2, max: 6 }),
      (causes, max_attempts) => {
        const retry = policy({ max_attempts, oom_hardware: [big, bigger] });
        let now = aJob('running', ids, { retry, attempt: 1 });
        let estimated = now.estimatedCostUsd;
        for (const cause of causes) {
          const last = over(now.attempt, { cause: cause ?? null });
          const next = nextAttempt(
            now,
            Array.from({ length: now.attempt }, () => last),
            NOW,
          );
          if (!next) break;
          now = { ...now, ...next, attempt: now.attempt + 1 };
          estimated += now.estimatedCostUsd;
        }
        expect(estimated).toBeLessThanOrEqual(mostItMayCost({ ...aJob('queued', ids), retry }) + 1e-9);
      },
    ),
  );
});
