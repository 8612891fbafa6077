import {
  approvalGranted,
  approvalRejected,
  approvalRequired,
  approvalWaived,
  evaluateJobs,
  jobClaimed,
  jobSubmitted,
  secretDemands,
  type JobFacts,
} from '@lineclear/contracts';
import type { Person } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { NEED, openHouse, type House } from './house.js';

const DEMAND = { name: 'PROD_KEY', scope: 'org:1', level: 'admin' };
const SECRETS = { secrets: ['HF_TOKEN', 'PROD_KEY'] };
let house: House;
let ada: Person;

beforeAll(async () => {
  house = await openHouse();
  await house.limits({ max_concurrent: 50, user_max_concurrent: 50 });
  ada = house.folk.add('researcher', { org: { id: 1, slug: 'o' } });
});
beforeEach(() => {
  house.evaluates();
  house.demandsApproval([DEMAND]);
});
afterAll(() => house?.close());

const claimOf = (jobId: string) =>
  vi.waitFor(() => {
    const claim = house.peer.events(jobClaimed).find(({ data }) => data.job_id === jobId);
    expect(claim).toBeDefined();
    return claim!.data;
  });
const decided = (job_id: string, approval_id: string) => ({
  job_id,
  approval_id,
  by_user_id: 99,
  by: 'lea',
  via: 'api' as const,
  at: new Date().toISOString(),
});
const approvalOf = async (jobId: string): Promise<string> =>
  ((await house.row(jobId))['approval'] as { approval_id: string }).approval_id;

it('tells approvals which secrets of a job take an approval, and the claim that they have it', async () => {
  const seen: JobFacts[] = [];
  house.peer.answer(evaluateJobs, ({ jobs }) => {
    seen.push(...jobs);
    return { verdicts: jobs.map(({ job_id }) => ({ job_id, approval: NEED() })) };
  });
  const { status, body } = await house.submit(ada, SECRETS);
  expect([status, body.status, body.warnings]).toEqual([202, 'pending_approval', []]);
  expect(seen.at(-1)).toMatchObject({ secrets_needing_approval: [DEMAND] });
  await house.peer.publish(approvalGranted, decided(body.job_id, await approvalOf(body.job_id)));
  expect(await claimOf(body.job_id)).toMatchObject({
    ...SECRETS,
    approved_secrets: [{ name: 'PROD_KEY', scope: 'org:1' }],
  });
});

it('asks only about jobs that name secrets, and once for those that come together', async () => {
  const { asked } = house.demandsApproval([DEMAND]);
  expect((await house.submit(ada)).body.status).not.toBe('pending_approval');
  expect(asked).toEqual([]);
  const both = [SECRETS, {}, { secrets: ['HF_TOKEN'] }, SECRETS, SECRETS];
  const answers = await Promise.all(both.map((more) => house.submit(ada, more)));
  expect(answers.map(({ body }) => body.status === 'pending_approval')).toEqual([
    true,
    false,
    false,
    true,
    true,
  ]);
  expect(asked.length).toBeLessThan(4);
  expect(asked.reduce((sum, jobs) => sum + jobs)).toBe(4);
  const free = await claimOf(answers[2]!.body.job_id);
  expect(free).toMatchObject({ secrets: ['HF_TOKEN'] });
  expect(free).not.toHaveProperty('approved_secrets');
});

it('never claims a job that was rejected', async () => {
  const { body } = await house.submit(ada, SECRETS);
  const no = { ...decided(body.job_id, await approvalOf(body.job_id)), reason: 'not this one' };
  await house.peer.publish(approvalRejected, no);
  await vi.waitFor(async () => expect(await house.status(body.job_id)).toBe('cancelled'));
  expect(house.peer.events(jobClaimed).some(({ data }) => data.job_id === body.job_id)).toBe(false);
});

it('takes a job while the secrets service is away, says what may follow, and approves nothing with it', async () => {
  house.peer.stopAnswering(secretDemands);
  const { status, body } = await house.submit(ada, SECRETS);
  expect(status).toBe(202);
  expect(body.warnings).toEqual([expect.stringContaining('should a secret of this job need an approval')]);
  expect(await claimOf(body.job_id)).not.toHaveProperty('approved_secrets');
  expect((await house.submit(ada)).body.warnings).toEqual([]);
});

it('tells approvals the same when it is asked later, and claims nothing as approved that nobody approved', async () => {
  // It is asked again a moment after its silence.
  await vi.waitFor(async () => expect((await house.submit(ada, SECRETS)).body.warnings).toEqual([]));
  house.peer.stopAnswering(evaluateJobs);
  const [held, waived] = await Promise.all([house.submit(ada, SECRETS), house.submit(ada, SECRETS)]);
  expect([held.body.status, waived.body.status]).toEqual(['awaiting_evaluation', 'awaiting_evaluation']);
  const told = await vi.waitFor(() => {
    const event = house.peer.events(jobSubmitted).find(({ data }) => data.job_id === held.body.job_id);
    expect(event).toBeDefined();
    return event!.data;
  });
  expect(told.facts.secrets_needing_approval).toEqual([DEMAND]);
  const { provider, config_name, hardware, estimated_cost_usd, username, user_id } = told;
  const need = { ...NEED(), also_levels: ['senior'] };
  const job_id = held.body.job_id as string;
  const about = { job_id, provider, config_name, hardware, estimated_cost_usd, username, user_id };
  await house.peer.publish(approvalRequired, { ...need, ...about });
  await vi.waitFor(async () => expect((await house.row(job_id))['approval']).toEqual(need));
  await house.peer.publish(approvalGranted, decided(job_id, need.approval_id));
  await house.peer.publish(approvalWaived, { job_id: waived.body.job_id });
  expect((await claimOf(job_id)).approved_secrets).toEqual([{ name: 'PROD_KEY', scope: 'org:1' }]);
  expect(await claimOf(waived.body.job_id)).not.toHaveProperty('approved_secrets');
});
