import { intendedRun, type ClaimedRun } from './run.js';

const NOW = new Date('2026-01-01T12:00:00.000Z');
export const at = (seconds: number): Date => new Date(NOW.getTime() + seconds * 1_000);

const claim = {
  job_id: `job_${'0'.repeat(32)}`,
  attempt: 1,
  claim_id: '00000000-0000-4000-8000-000000000001',
  user_id: 1,
  username: 'ada',
  level: 'researcher' as const,
  provider: 'cloud',
  config_name: 'tiny',
  config: {},
  hardware: 'gpu',
  secrets: [],
  secretUses: null,
};

/** A run as the database gives it, at the beginning of its life. */
export const aRun = (more: Partial<ClaimedRun> = {}): ClaimedRun => ({
  ...intendedRun(claim, { id: '01a20570-8fe1-7728-9394-22f6efcf053d', traceparent: null, at: at(0) }),
  state: 'intended',
  fresh: false,
  submitStartedAt: null,
  submitAgeMs: null,
  version: 1,
  ...more,
});
