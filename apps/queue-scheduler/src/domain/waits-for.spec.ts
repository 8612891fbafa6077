import { JOB_STATES } from '@lineclear/contracts';
import { expect, it } from 'vitest';
import { aJob } from './job.fixture.js';
import type { Job } from './job.js';
import { waitOf, type Standing } from './waits-for.js';

const waitsFor = (...of: Parameters<typeof waitOf>): string | null => waitOf(...of)?.text ?? null;

const NOW = new Date('2026-11-28T12:00:00.000Z');
const job = (state: Job['state'], more: Partial<Job> = {}) =>
  aJob(state, { claimId: NEED.approval_id, now: NOW }, more);
const standing = (more: Partial<Standing> = {}): Standing => ({
  position: 3,
  isUserFull: false,
  isTeamFull: false,
  isOrgFull: false,
  isPaused: false,
  maintenance: null,
  pausedPools: [],
  fullPools: [],
  heldUntil: null,
  heldBy: null,
  ...more,
});
const NEED = {
  approval_id: '01920000-0000-7000-8000-000000000001',
  rule_id: 1,
  rule_name: 'high_cost',
  reason: 'estimated cost $72.00 exceeds $50.00',
  required_level: 'lead',
  expires_at: '2026-11-29T12:00:00.000Z',
};
const later = new Date(NOW.getTime() + 60_000);

it.each<[string, Partial<Standing>, string]>([
  ['its turn', {}, 'its turn: 2 before it in the queue'],
  ['its turn, as the first', { position: 1 }, 'its turn: it is the first in the queue'],
  ['its turn, where nobody counts', { position: null }, 'its turn, far back in the queue'],
  ['its person', { isUserFull: true, isTeamFull: true }, 'another job of ada to end'],
  ['its team', { isTeamFull: true, isOrgFull: true }, 'another job of its team to end'],
  ['its organisation', { isOrgFull: true }, 'another job of its organisation to end'],
  [
    'money',
    { heldUntil: later, isUserFull: true },
    `money: a quota leaves none for it before ${later.toISOString()}`,
  ],
  ['its turn, once there is money again', { heldUntil: NOW }, 'its turn: 2'],
])('a queued job waits for %s', (_, more, text) => {
  expect(waitsFor(job('queued'), standing(more), NOW)).toContain(text);
});

it('a held one waits for who may approve it, and says why', () => {
  expect(waitsFor(job('pending_approval', { approval: NEED }), undefined, NOW)).toBe(
    'somebody of level lead to approve it, until 2026-11-29T12:00:00.000Z: estimated cost $72.00 exceeds $50.00',
  );
  const both = { ...NEED, also_levels: ['senior'] };
  expect(waitsFor(job('pending_approval', { approval: both }), undefined, NOW)).toContain(
    'level lead and senior to',
  );
});

it.each(JOB_STATES)('says of one that is %s whether it waits', (state) => {
  const runs = ['running', 'completed', 'failed', 'cancelled'].includes(state);
  expect(waitsFor(job(state), undefined, NOW) === null).toBe(runs);
});

it.each<[Partial<Standing>, string, string | null]>([
  [{ isPaused: true, isUserFull: true }, 'queue_paused', null],
  [{ pausedPools: ['provider:acme'], fullPools: ['provider:acme'] }, 'pool_paused', 'provider:acme'],
  [{ heldUntil: later }, 'budget', null],
  [{ heldUntil: later, heldBy: 'cost:acme' }, 'budget', 'cost:acme'],
  [{ heldUntil: later, heldBy: 'kept:job_b' }, 'kept', 'kept:job_b'],
  [{ isUserFull: true, fullPools: ['hardware:a100*'] }, 'user_limit', 'user:7'],
  [{ isTeamFull: true }, 'team_limit', 'team:5'],
  [{ isOrgFull: true }, 'org_limit', 'org:2'],
  [{ fullPools: ['hardware:a100*'] }, 'pool_full', 'hardware:a100*'],
  [{}, 'turn', null],
])('names the limit that keeps a job: %j', (more, reason, limit) => {
  const queued = job('queued', { userId: 7, teamId: 5, orgId: 2 });
  expect(waitOf(queued, standing(more), NOW)).toMatchObject({ reason, limit });
});

it('names the maintenance that a job would not be over before', () => {
  const maintenance = { id: 3, until: later };
  expect(waitOf(job('queued'), standing({ maintenance, isUserFull: true }), NOW)).toEqual({
    reason: 'maintenance',
    limit: 'maintenance:3',
    text: `maintenance to be over, at ${later.toISOString()}`,
  });
});

it.each<[Partial<Job>, string, string]>([
  [{ notBefore: later }, 'retry', `its next attempt, from ${later.toISOString()} on`],
  [
    { unmet: 1, dependsOn: [{ job_id: 'job_a', when: 'afterok' }] },
    'dependency',
    '1 of the jobs that it follows to end: job_a (afterok)',
  ],
  [{ unmet: 1, onHold: true }, 'on_hold', 'its owner to release it: it is on hold'],
])('says of a queued job that is not in line what keeps it out of it: %j', (more, reason, text) => {
  expect(waitOf(job('queued', more), undefined, NOW)).toMatchObject({ reason, text });
});
