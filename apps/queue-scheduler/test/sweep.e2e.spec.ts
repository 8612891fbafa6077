import {
  evaluateJobs,
  jobCancelRequested,
  jobClaimed,
  jobSubmitted,
  runObserved,
} from '@lineclear/contracts';
import type { Person } from '@lineclear/testkit';
import { openRedis, createLogger } from '@lineclear/kit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openHouse, type House } from './house.js';

let house: House;
let ada: Person;

beforeAll(async () => {
  house = await openHouse({
    LINECLEAR_EVALUATION_LEASE_SECONDS: '0.3',
    LINECLEAR_DISPATCH_LEASE_SECONDS: '0.3',
    LINECLEAR_RUN_LEASE_SECONDS: '0.3',
    LINECLEAR_SWEEP_SECONDS: '0.2',
  });
  ada = house.folk.add('researcher');
});
afterAll(() => house?.close());

const soon = { timeout: 15_000 };
const claims = (jobId: string) => house.peer.events(jobClaimed).filter(({ data }) => data.job_id === jobId);

it('asks again with the same claim when nothing is heard of a run, and never starts another', async () => {
  const jobId = (await house.submit(ada)).body.job_id as string;
  await vi.waitFor(() => expect(claims(jobId).length).toBeGreaterThan(1), soon);
  await house.started(jobId);
  await vi.waitFor(async () => expect(await house.status(jobId)).toBe('running'));
  const before = claims(jobId).length;
  await vi.waitFor(() => expect(claims(jobId).length).toBeGreaterThan(before), soon);
  expect(new Set(claims(jobId).map(({ data }) => `${data.attempt} ${data.claim_id}`)).size).toBe(1);
  expect((await house.service.database.query('select 1 from ledger where job_id = $1', [jobId])).length).toBe(
    1,
  );
  await house.as(ada).post(`/api/cloud/jobs/${jobId}/cancel`);
  const asked = () =>
    house.peer.events(jobCancelRequested).filter(({ data }) => data.job_id === jobId).length;
  await vi.waitFor(() => expect(asked()).toBeGreaterThan(1), soon);
  // A lively run does not make it forget that it was to stop.
  const { attempt, claim_id } = await house.row(jobId);
  await house.peer.publish(runObserved, {
    job_id: jobId,
    attempt: Number(attempt),
    claim_id: String(claim_id),
    provider: 'local',
    remote_state: 'busy',
    observed_at: new Date().toISOString(),
  });
  const then = asked();
  await vi.waitFor(() => expect(asked()).toBeGreaterThan(then), soon);
  await house.ended(jobId, 'cancelled');
  await vi.waitFor(async () => expect(await house.status(jobId)).toBe('cancelled'));
  expect((await house.row(jobId))['lease_until']).toBeNull();
});

it('reminds approvals of jobs it has not answered for, also after Redis has lost everything', async () => {
  const redis = openRedis(
    house.backends.redis.url,
    createLogger({ name: 'test', format: 'json', level: 'silent' }),
  );
  await redis.connect();
  await redis.flushall();
  redis.disconnect();
  house.peer.stopAnswering(evaluateJobs);
  const jobId = (await house.submit(ada)).body.job_id as string;
  expect(await house.status(jobId)).toBe('awaiting_evaluation');
  const told = () => house.peer.events(jobSubmitted).filter(({ data }) => data.job_id === jobId);
  await vi.waitFor(() => expect(told().length).toBeGreaterThan(1), soon);
  expect(
    told().every(({ data }) => data.status === 'awaiting_evaluation' && data.facts.job_id === jobId),
  ).toBe(true);
  house.evaluates();
});

it('folds old hours of submits into one row that still knows the first job', async () => {
  await house.service.database.query(`update submissions set hour = now() - interval '30 hours'`);
  await vi.waitFor(
    async () =>
      expect(await house.service.database.query(`select jobs from submissions where hour = 'epoch'`)).toEqual(
        [{ jobs: 2 }],
      ),
    soon,
  );
  let facts: { jobs_last_24h: number; first_job: boolean } | undefined;
  house.peer.answer(evaluateJobs, ({ jobs }) => {
    facts = jobs[0];
    return { verdicts: jobs.map(({ job_id }) => ({ job_id, approval: null })) };
  });
  // Approvals was away just now: it is asked again after a moment.
  let submits = 0;
  await vi.waitFor(async () => {
    submits += 1;
    await house.submit(ada);
    expect(facts).toBeDefined();
  }, soon);
  expect(facts).toMatchObject({ first_job: false, jobs_last_24h: submits - 1 });
});

it('ends in time without Redis, and begins so again', async () => {
  await house.backends.redis.stop();
  try {
    await expect((await house.replica()).close()).resolves.toBeUndefined();
  } finally {
    await house.backends.redis.start();
  }
});
