import { approvalGranted, approvalRejected } from '@lineclear/contracts';
import type { Person } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openHouse, type House } from './house.js';

let house: House;
let ada: Person;
let admin: Person;

beforeAll(async () => {
  house = await openHouse();
  ada = house.folk.add('researcher', { username: 'ada' });
  admin = house.folk.add('admin', { username: 'root' });
});
afterAll(() => house?.close());

const soon = (jobId: string, state: string): Promise<void> =>
  vi.waitFor(async () => expect(await house.status(jobId)).toBe(state));
const heldBy = async (): Promise<[job: string, approval: string]> => {
  const { body } = await house.submit(ada, { config_name: 'held' });
  return [body.job_id, body.approval.id];
};
const decision = (job_id: string, approval_id: string) => ({
  approval_id,
  job_id,
  by_user_id: 9,
  by: 'lea',
  via: 'api' as const,
  at: new Date().toISOString(),
});
const timelineOf = async (jobId: string) =>
  (await house.as(ada).get(`/api/cloud/jobs/${jobId}/timeline`)).body;
const told = ({ steps }: { steps: Record<string, unknown>[] }) =>
  steps.map(({ status, by, attempt, why }) => [status, by, attempt, why]);

it('tells the way of a job: when it came where, by whose doing and why, and what it waits for', async () => {
  const [jobId, approvalId] = await heldBy();
  expect(await timelineOf(jobId)).toMatchObject({
    status: 'pending_approval',
    waits_for: expect.stringContaining('somebody of level lead to approve it'),
    approval: { approval_id: approvalId, rule_name: 'high_cost' },
  });
  await house.peer.publish(approvalGranted, decision(jobId, approvalId));
  await soon(jobId, 'dispatching');
  await house.started(jobId);
  await soon(jobId, 'running');
  await house.as(admin).post(`/api/cloud/jobs/${jobId}/cancel`);
  await house.ended(jobId, 'cancelled');
  await soon(jobId, 'cancelled');
  const over = await timelineOf(jobId);
  expect(over.waits_for).toBeNull();
  expect(told(over)).toEqual([
    ['submitted', 'ada', null, null],
    ['pending_approval', null, null, 'costs more than $50'],
    ['queued', 'lea', null, null],
    ['dispatching', null, 1, null],
    ['running', null, 1, null],
    ['cancelling', 'root', 1, null],
    ['cancelled', 'root', 1, 'cancelled by root'],
  ]);
  const times: string[] = over.steps.map(({ at }: { at: string }) => at);
  for (const [index, at] of times.slice(1).entries())
    expect(Date.parse(at)).toBeGreaterThanOrEqual(Date.parse(times[index]!));
});

it('tells why a job came to nothing', async () => {
  const [jobId, approvalId] = await heldBy();
  await house.peer.publish(approvalRejected, { ...decision(jobId, approvalId), reason: 'too dear' });
  await soon(jobId, 'cancelled');
  expect(told(await timelineOf(jobId)).at(-1)).toEqual([
    'cancelled',
    null,
    null,
    'rejected by lea: too dear',
  ]);
});
