import { decideForJob, type ReplyOf, type RequestOf } from '@lineclear/contracts';
import { newEventId } from '@lineclear/bus';
import { refusesBadInput, type Person } from '@lineclear/testkit';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { openHouse, type House } from './house.js';

const ORG = { id: 3, slug: 'three' };
const AT = '2026-01-01T00:00:00.000Z';
const jobId = `job_${randomBytes(16).toString('hex')}`;
const approvalId = newEventId();
let house: House;
let lead: Person;
let asked: RequestOf<typeof decideForJob>[];

beforeAll(async () => {
  house = await openHouse();
  lead = house.folk.add('lead', { org: ORG });
});
beforeEach(() => answers({ decided: { approval_id: approvalId, at: AT } }));
afterAll(() => house?.close());

function answers(reply: ReplyOf<typeof decideForJob>): void {
  asked = [];
  house.peer.answer(decideForJob, (question) => {
    asked.push(question);
    return reply;
  });
}

it('passes on who decides what, and answers with the decision', async () => {
  const { status, body } = await house.as(lead).post(`/api/queue/${jobId}/approve`);
  expect([status, body]).toEqual([
    200,
    { job_id: jobId, approval_id: approvalId, decision: 'approved', decided_at: AT },
  ]);
  const { user_id, username, level, reaches } = lead.principal;
  expect(asked).toEqual([
    {
      job_id: jobId,
      status: 'approved',
      by: { level, reaches, tenant: ORG.id, actor: expect.objectContaining({ user_id, username }) },
    },
  ]);
  const admin = house.folk.add('admin');
  await house.as(admin).post(`/api/queue/${jobId}/approve`, { notes: 'fine' });
  expect(asked[1]).toMatchObject({ notes: 'fine' });
  expect(asked[1]!.by).not.toHaveProperty('tenant');
});

it('says that a word counts and more people are needed', async () => {
  answers({ decided: { approval_id: approvalId, at: AT, is_open: true } });
  const member = house.folk.add('lead', { teams: [{ id: 4, slug: 'money', role: 'member' }] });
  const { body } = await house.as(member).post(`/api/queue/${jobId}/approve`);
  expect(body).toMatchObject({ decision: 'approved', is_open: true });
  expect(asked[0]!.by.team_ids).toEqual([4]);
});

it('takes the reason of a rejection from the body or the query, and none is not enough', async () => {
  const path = `/api/queue/${jobId}/reject`;
  const { body } = await house.as(lead).post(path, { reason: 'too dear' });
  expect(body.decision).toBe('rejected');
  await house.as(lead).post(`${path}?reason=too%20late`);
  expect(asked.map(({ status, notes }) => [status, notes])).toEqual([
    ['rejected', 'too dear'],
    ['rejected', 'too late'],
  ]);
  await refusesBadInput(house.as(lead).post, path, {}, [
    ['reason', {}],
    ['reason', { reason: ' ' }],
    ['reason', { reason: 5 }],
  ]);
  expect(asked).toHaveLength(2);
});

it('says no as approvals does, and that it is away when it is', async () => {
  const answerTo = async (why: 'not_found' | 'not_allowed' | 'conflict') => {
    answers({ refused: { why, message: 'so it is' } });
    const { status, body } = await house.as(lead).post(`/api/queue/${jobId}/approve`);
    return [status, body.detail];
  };
  expect(await answerTo('not_found')).toEqual([404, `there is no approval request of job "${jobId}"`]);
  expect(await answerTo('not_allowed')).toEqual([403, 'so it is']);
  expect(await answerTo('conflict')).toEqual([409, 'so it is']);
  house.peer.stopAnswering(decideForJob);
  expect((await house.as(lead).post(`/api/queue/${jobId}/approve`)).status).toBe(503);
});

it('is not for those without the permission', async () => {
  const narrow = house.folk.add('lead', { permissions: ['job.view.own', 'admin.approve'] });
  for (const person of [house.folk.add('researcher'), narrow])
    expect((await house.as(person).post(`/api/queue/${jobId}/approve`)).status).toBe(403);
  expect(asked).toEqual([]);
});
