import { FINAL_STATES, JOB_STATES, mayMove, type JobState } from '@lineclear/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Condition } from './dependency.js';
import { aJob } from './job.fixture.js';
import { holdsSlot, isInLine, type Job } from './job.js';
import type { RetryPolicy } from './retry.js';
import { transition, type Fact } from './transition.js';

const NOW = new Date('2026-11-22T10:00:00Z');
const LATER = new Date('2026-11-22T11:00:00Z');
const LEASES = { evaluationSeconds: 30, dispatchSeconds: 60, runSeconds: 600 };
const CLAIM = '01920000-0000-7000-8000-000000000001';
const OTHER = '01920000-0000-7000-8000-000000000002';
const NEED = {
  approval_id: CLAIM,
  rule_id: 1,
  rule_name: 'r',
  reason: 'x',
  required_level: 'lead' as const,
  expires_at: NOW.toISOString(),
};

const job = (state: JobState, more: Partial<Job> = {}): Job =>
  aJob(state, { claimId: CLAIM, now: NOW }, more);

const RETRY: RetryPolicy = {
  max_attempts: 3,
  on: ['oom', 'lost', 'failed'],
  backoff_seconds: 30,
  oom_hardware: [{ hardware: 'big', cost_per_hour_usd: 8, gpus: 2 }],
};
const run = { claimId: CLAIM, attempt: 1 };
const FACTS: Record<string, Fact> = {
  held: { kind: 'held', need: NEED },
  waived: { kind: 'waived' },
  granted: { kind: 'granted', approvalId: CLAIM },
  refused: { kind: 'refused', approvalId: CLAIM, reason: 'approval_rejected' },
  claimed: { kind: 'claimed', claimId: CLAIM },
  cancel: { kind: 'cancel_requested', by: { user_id: 1, username: 'ada' } },
  started: { kind: 'run_started', ...run, externalId: 'x', startedAt: NOW },
  succeeded: { kind: 'run_ended', ...run, outcome: 'succeeded', endedAt: LATER },
  failed: { kind: 'run_ended', ...run, outcome: 'failed', endedAt: LATER },
  lost: { kind: 'run_ended', ...run, outcome: 'lost', endedAt: LATER },
  timed_out: { kind: 'run_ended', ...run, outcome: 'timed_out', endedAt: LATER },
  stopped: { kind: 'run_ended', ...run, outcome: 'cancelled', endedAt: LATER },
  turned_away: { kind: 'run_ended', ...run, outcome: 'refused', endedAt: LATER },
};

describe('transition', () => {
  it.each<[JobState, string, JobState | undefined]>([
    ['awaiting_evaluation', 'held', 'pending_approval'],
    ['awaiting_evaluation', 'waived', 'queued'],
    ['awaiting_evaluation', 'granted', 'queued'],
    ['awaiting_evaluation', 'refused', 'cancelled'],
    ['awaiting_evaluation', 'cancel', 'cancelled'],
    ['awaiting_evaluation', 'claimed', undefined],
    ['pending_approval', 'waived', undefined],
    ['pending_approval', 'granted', 'queued'],
    ['pending_approval', 'refused', 'cancelled'],
    ['pending_approval', 'cancel', 'cancelled'],
    ['pending_approval', 'claimed', undefined],
    ['queued', 'held', undefined],
    ['queued', 'granted', undefined],
    ['queued', 'refused', undefined],
    ['queued', 'claimed', 'dispatching'],
    ['queued', 'cancel', 'cancelled'],
    ['queued', 'started', undefined],
    ['dispatching', 'claimed', undefined],
    ['dispatching', 'started', 'running'],
    ['dispatching', 'cancel', 'cancelling'],
    ['dispatching', 'succeeded', 'completed'],
    ['dispatching', 'turned_away', 'failed'],
    ['running', 'cancel', 'cancelling'],
    ['running', 'succeeded', 'completed'],
    ['running', 'failed', 'failed'],
    ['running', 'lost', 'failed'],
    ['running', 'timed_out', 'failed'],
    ['running', 'stopped', 'cancelled'],
    ['running', 'granted', undefined],
    ['cancelling', 'cancel', undefined],
    ['cancelling', 'started', 'cancelling'],
    ['cancelling', 'succeeded', 'completed'],
    ['cancelling', 'failed', 'failed'],
    ['cancelling', 'stopped', 'cancelled'],
    ['cancelling', 'turned_away', 'cancelled'],
    ['completed', 'cancel', undefined],
    ['completed', 'started', undefined],
    ['completed', 'failed', undefined],
    ['failed', 'succeeded', undefined],
    ['cancelled', 'granted', undefined],
    ['cancelled', 'succeeded', undefined],
  ])('%s + %s -> %s', (from, fact, to) => {
    expect(transition(job(from), FACTS[fact]!, NOW, LEASES)?.state).toBe(to);
  });

  it('ignores a run of another claim or attempt', () => {
    for (const foreign of [{ claimId: OTHER }, { attempt: 2 }]) {
      for (const name of ['started', 'succeeded', 'failed']) {
        expect(
          transition(job('running'), { ...FACTS[name]!, ...foreign } as Fact, NOW, LEASES),
        ).toBeUndefined();
      }
    }
  });

  it('ignores a decision on another request', () => {
    const held = job('pending_approval', { approval: NEED });
    expect(transition(held, { kind: 'granted', approvalId: OTHER }, NOW, LEASES)).toBeUndefined();
    expect(
      transition(held, { kind: 'refused', approvalId: OTHER, reason: 'approval_expired' }, NOW, LEASES),
    ).toBeUndefined();
    expect(transition(held, FACTS['granted']!, NOW, LEASES)?.state).toBe('queued');
  });

  it('stops reminding approvals once it has opened the request', () => {
    const held = job('pending_approval', { approval: NEED, leaseUntil: NOW });
    const known = transition(held, FACTS['held']!, NOW, LEASES);
    expect(known).toMatchObject({ state: 'pending_approval', leaseUntil: null, version: held.version });
    expect(transition(known!, FACTS['held']!, NOW, LEASES)).toBeUndefined();
  });

  it('knows who is to decide next, and until when', () => {
    const held = job('pending_approval', { approval: NEED });
    const need = { ...NEED, required_level: 'admin', expires_at: '2027-01-01T00:00:00.000Z' };
    const next = transition(held, { kind: 'held', need }, NOW, LEASES);
    expect(next).toEqual({ ...held, approval: need });
    expect(transition(next!, { kind: 'held', need: { ...need } }, NOW, LEASES)).toBeUndefined();
  });

  it.each<[string, object, number]>([
    ['the time it ran', {}, 2],
    ['no wait at the provider', { startedAt: new Date((NOW.getTime() + LATER.getTime()) / 2) }, 1],
    ['what the provider says', { costUsd: 1.25 }, 1.25],
    ['nothing when it never ran', { outcome: 'refused' }, 0],
  ])('charges %s', (_, more, cost) => {
    expect(
      transition(job('running'), { ...FACTS['succeeded']!, ...more } as Fact, NOW, LEASES)?.costUsd,
    ).toBe(cost);
  });

  it('makes only moves of the table, each with the next version, and never leaves a final state', () => {
    const facts = Object.values(FACTS);
    fc.assert(
      fc.property(
        fc.constantFrom(...JOB_STATES),
        fc.array(fc.constantFrom(...facts), { maxLength: 12 }),
        (state, happened) => {
          let now = job(state, { retry: RETRY });
          for (const fact of happened) {
            const next = transition(now, fact, NOW, LEASES);
            if (next === undefined) continue;
            expect(now.endedAt).toBeNull();
            if (next.state !== now.state) {
              expect(mayMove(now.state, next.state)).toBe(true);
              expect(next.version).toBe(now.version + 1);
            } else expect(next.version).toBe(now.version);
            expect(next.attempt).toBe(now.attempt + (fact.kind === 'claimed' ? 1 : 0));
            expect(next.endedAt !== null).toBe(FINAL_STATES.some((final) => final === next.state));
            if (holdsSlot(next.state)) expect(next.claimId).not.toBeNull();
            expect(next.attempts.length).toBeLessThanOrEqual(next.attempt);
            now = next;
          }
        },
      ),
    );
  });
});

it.each<[JobState, Fact, Job['approvedSecrets']]>([
  ['pending_approval', FACTS['granted']!, [{ name: 'KEY', scope: 'org:1' }]],
  ['awaiting_evaluation', FACTS['granted']!, [{ name: 'KEY', scope: 'org:1' }]],
  ['awaiting_evaluation', FACTS['waived']!, []],
  ['awaiting_evaluation', FACTS['held']!, []],
  ['queued', FACTS['claimed']!, []],
])('of a job that is %s, %o approves the secrets %j', (state, fact, approved) => {
  const facts = { secrets_needing_approval: [{ name: 'KEY', level: 'lead', scope: 'org:1' }] };
  const before = job(state, { facts: facts as Job['facts'] });
  expect(transition(before, fact, NOW, LEASES)?.approvedSecrets).toEqual(approved);
});

describe('another attempt', () => {
  const after = (before: Job, name: string, more: object = {}): Job =>
    transition(before, { ...FACTS[name]!, ...more } as Fact, NOW, LEASES)!;

  it('follows one that failed so that the policy names it, after a pause', () => {
    const next = after(job('running', { retry: RETRY }), 'lost');
    expect(next).toMatchObject({
      state: 'queued',
      attempt: 1,
      notBefore: new Date(NOW.getTime() + 30_000),
      queuedAt: NOW,
      claimId: null,
      claimedAt: null,
      startedAt: null,
      endedAt: null,
      costUsd: null,
    });
    expect(next.attempts).toMatchObject([{ attempt: 1, outcome: 'lost', hardware: 'gpu', cost_usd: 2 }]);
    expect(isInLine(next)).toBe(false);
  });

  it('goes into the queue when the pause is over, and not before', () => {
    const waits = after(job('running', { retry: RETRY }), 'lost');
    expect(transition(waits, { kind: 'due' }, NOW, LEASES)).toBeUndefined();
    const due = transition(waits, { kind: 'due' }, new Date(NOW.getTime() + 30_000), LEASES)!;
    expect(isInLine(due)).toBe(true);
    expect(transition(due, { kind: 'due' }, LATER, LEASES)).toBeUndefined();
    expect(transition(due, FACTS['claimed']!, LATER, LEASES)).toMatchObject({ attempt: 2 });
  });

  it('hears nothing of the attempt before any more', () => {
    const waits = after(job('running', { retry: RETRY }), 'lost');
    for (const name of ['started', 'succeeded', 'failed'])
      expect(transition(waits, FACTS[name]!, NOW, LEASES)).toBeUndefined();
  });

  it('is on bigger hardware after one that ran out of memory', () => {
    const next = after(job('running', { retry: RETRY }), 'failed', { cause: 'oom' });
    expect(next).toMatchObject({ hardware: 'big', costPerHourUsd: 8, gpus: 2, estimatedCostUsd: 8 });
  });

  it.each<[string, Partial<Job>, string]>([
    ['a job without a policy', {}, 'lost'],
    ['one that has had them all', { retry: { ...RETRY, max_attempts: 1 } }, 'lost'],
    ['what the policy does not name', { retry: RETRY }, 'timed_out'],
    ['a success', { retry: RETRY }, 'succeeded'],
    ['a provider that would not have it', { retry: RETRY }, 'turned_away'],
    ['a cancel', { retry: RETRY }, 'stopped'],
  ])('does not follow %s', (_, more, name) => {
    const end = after(job('running', more), name);
    expect(end.endedAt).not.toBeNull();
    expect(end.attempts).toHaveLength(1);
  });

  it('does not follow once somebody wants the job to stop', () => {
    expect(after(job('cancelling', { retry: RETRY }), 'lost').state).toBe('failed');
  });

  it('adds to what the job costs', () => {
    const waits = after(job('running', { retry: RETRY }), 'lost');
    expect(transition(waits, FACTS['cancel']!, NOW, LEASES)).toMatchObject({
      state: 'cancelled',
      costUsd: 2,
    });
    const again = { ...job('running'), attempt: 2, attempts: waits.attempts };
    expect(after(again, 'succeeded', { attempt: 2, costUsd: 1.5 }).costUsd).toBe(3.5);
  });
});

describe('a run that is stopped for another job', () => {
  const stop: Fact = { kind: 'preempted', reason: 'stopped for job_b' };
  const stopping = (): Job => transition(job('running'), stop, NOW, LEASES)!;

  it('goes back into the queue once it has stopped, against no policy', () => {
    expect(stopping()).toMatchObject({ state: 'cancelling', stoppedFor: 'stopped for job_b' });
    const back = transition(stopping(), FACTS['stopped']!, NOW, LEASES)!;
    expect(back).toMatchObject({ state: 'queued', stoppedFor: null, cancelRequestedAt: null });
    expect(isInLine(back)).toBe(true);
    expect(back.attempts).toMatchObject([
      { cause: 'preempted', is_preempted: true, message: 'stopped for job_b' },
    ]);
  });

  it('keeps its real end when it was done before', () => {
    expect(transition(stopping(), FACTS['succeeded']!, NOW, LEASES)).toMatchObject({
      state: 'completed',
      attempts: [{ outcome: 'succeeded', cause: null, is_preempted: false }],
    });
  });

  it('ends with it once somebody wants the job no more', () => {
    const cancelled = transition(stopping(), FACTS['cancel']!, NOW, LEASES)!;
    expect(cancelled).toMatchObject({ state: 'cancelling', stoppedFor: null });
    expect(transition(cancelled, FACTS['stopped']!, NOW, LEASES)?.state).toBe('cancelled');
  });

  it.each(JOB_STATES.filter((state) => state !== 'running'))('is none while the job is %s', (state) => {
    expect(transition(job(state), stop, NOW, LEASES)).toBeUndefined();
  });
});

describe('a job that follows others', () => {
  const followed = (when: Condition, endedAs: 'completed' | 'failed' | 'cancelled'): Fact => ({
    kind: 'followed_ended',
    follows: 'job_a',
    when,
    endedAs,
  });

  it.each([
    ['afterok', 'completed', true],
    ['afterok', 'failed', false],
    ['afterok', 'cancelled', false],
    ['afterany', 'completed', true],
    ['afterany', 'cancelled', true],
    ['afternotok', 'failed', true],
    ['afternotok', 'cancelled', true],
    ['afternotok', 'completed', false],
  ] as const)('%s one that %s: %s', (when, endedAs, goes) => {
    const next = transition(job('queued', { unmet: 1 }), followed(when, endedAs), NOW, LEASES)!;
    expect(next.state).toBe(goes ? 'queued' : 'cancelled');
    expect(isInLine(next)).toBe(goes);
    expect(next.endReason).toBe(goes ? null : 'dependency_failed');
  });

  it('waits for all of them', () => {
    const one = transition(job('queued', { unmet: 2 }), followed('afterok', 'completed'), NOW, LEASES)!;
    expect(isInLine(one)).toBe(false);
    expect(isInLine(transition(one, followed('afterok', 'completed'), NOW, LEASES)!)).toBe(true);
  });

  it('is not moved by what it does not wait for', () => {
    expect(transition(job('queued'), followed('afterok', 'failed'), NOW, LEASES)).toBeUndefined();
    expect(
      transition(job('completed', { unmet: 1 }), followed('afterok', 'failed'), NOW, LEASES),
    ).toBeUndefined();
  });
});
