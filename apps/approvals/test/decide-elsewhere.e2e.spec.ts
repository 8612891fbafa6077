import { approvalGranted, approvalRejected, auditRecorded, decideForJob } from '@lineclear/contracts';
import { actorOf } from '@lineclear/access';
import { refusesBadInput, type Person } from '@lineclear/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { newJobId, openHouse, openRequest, type House } from './house.js';

const ORG = { id: 7, slug: 'seven' };
const NOBODYS = '00000000-0000-4000-8000-000000000000';
let house: House;
let lead: Person;
let leadOfOrg: Person;

beforeAll(async () => {
  house = await openHouse();
  lead = house.folk.add('lead');
  leadOfOrg = house.folk.add('lead', { org: ORG });
});
afterAll(() => house?.close());

const statusOf = async (id: string): Promise<unknown> =>
  (await house.as(house.folk.add('admin')).get(`/api/approvals/requests/${id}`)).body.status;

describe('many decisions in one call', () => {
  it('are made each for itself, and those that cannot be made say why', async () => {
    const path = '/api/approvals/requests/bulk-approve';
    const [one, other, own, higher, elsewhere] = [
      await openRequest(house),
      await openRequest(house),
      await openRequest(house, { user_id: lead.principal.user_id }),
      await openRequest(house, {}, { required_level: 'admin' }),
      await openRequest(house, { org_id: ORG.id }),
    ];
    const request_ids = [one, own, higher, elsewhere, other].map(({ id }) => id);
    const { status, body } = await house.as(lead).post(path, { request_ids: [...request_ids, NOBODYS] });
    expect(status).toBe(200);
    expect(body).toEqual({
      total: 6,
      succeeded: 2,
      failed: 4,
      results: [
        { request_id: one.id, success: true },
        { request_id: own.id, success: false, error: expect.stringContaining('their own') },
        { request_id: higher.id, success: false, error: expect.stringContaining('level admin') },
        { request_id: elsewhere.id, success: false, error: expect.stringContaining('there is no') },
        { request_id: other.id, success: true },
        { request_id: NOBODYS, success: false, error: expect.stringContaining('there is no') },
      ],
    });
    const jobs = [one, other].map(({ jobId }) => jobId);
    await vi.waitFor(() => {
      const granted = house.peer.events(approvalGranted).map(({ data }) => data.job_id);
      expect(granted.filter((job) => jobs.includes(job))).toEqual(jobs);
    });
    for (const { id } of [own, higher, elsewhere]) expect(await statusOf(id)).toBe('pending');
    const again = await house.as(lead).post(path, { request_ids: [one.id] });
    expect(again.body).toMatchObject({ succeeded: 0, failed: 1 });
  });

  it('reject for one reason, which is needed', async () => {
    const path = '/api/approvals/requests/bulk-reject';
    const { id, jobId } = await openRequest(house);
    await refusesBadInput(house.as(lead).post, path, { reason: 'x', request_ids: [id] }, [
      ['reason', { reason: '' }],
      ['request_ids', { request_ids: [] }],
      ['request_ids', { request_ids: [id, id] }],
      ['request_ids.0', { request_ids: ['no-id'] }],
      [
        'request_ids',
        { request_ids: Array.from({ length: 101 }, (_, n) => NOBODYS.slice(0, -3) + (100 + n)) },
      ],
    ]);
    expect(await statusOf(id)).toBe('pending');
    const { body } = await house.as(lead).post(path, { reason: 'the budget is spent', request_ids: [id] });
    expect(body).toMatchObject({ succeeded: 1, failed: 0 });
    await vi.waitFor(() => {
      const told = house.peer.events(approvalRejected).find(({ data }) => data.job_id === jobId);
      expect(told?.data.reason).toBe('the budget is spent');
    });
  });
});

describe('a decision that is made where the queue is looked at', () => {
  const decide = (person: Person, job_id: string, more: object = {}) => {
    const { level, reaches, org } = person.principal;
    const by = { level, reaches, tenant: org?.id ?? null, actor: actorOf(person.principal) };
    return house.peer.ask(decideForJob, { job_id, status: 'approved', by, ...more });
  };

  it('is the one on the request, told and recorded as theirs', async () => {
    const { id, jobId } = await openRequest(house, { org_id: ORG.id });
    const reply = await decide(leadOfOrg, jobId, { notes: 'fine' });
    expect(reply).toEqual({ decided: { approval_id: id, at: expect.any(String) } });
    await vi.waitFor(() => {
      const told = house.peer.events(approvalGranted).find(({ data }) => data.job_id === jobId);
      expect(told?.data).toMatchObject({ by_user_id: leadOfOrg.principal.user_id, notes: 'fine' });
      const entry = house.peer.events(auditRecorded).find(({ data }) => data.target === `approval/${id}`);
      expect(entry?.data).toMatchObject({ by: 'person', actor: actorOf(leadOfOrg.principal) });
    });
    expect(await decide(leadOfOrg, jobId)).toMatchObject({ refused: { why: 'conflict' } });
  });

  it('keeps to all that a decision on the request keeps to', async () => {
    const own = await openRequest(house, { user_id: lead.principal.user_id });
    expect(await decide(lead, own.jobId)).toMatchObject({ refused: { why: 'not_allowed' } });
    const higher = await openRequest(house, {}, { required_level: 'admin' });
    expect(await decide(lead, higher.jobId)).toMatchObject({ refused: { why: 'not_allowed' } });
    const elsewhere = await openRequest(house, { org_id: ORG.id });
    expect(await decide(lead, elsewhere.jobId)).toMatchObject({ refused: { why: 'not_found' } });
    expect(await decide(lead, newJobId())).toMatchObject({ refused: { why: 'not_found' } });
    for (const { id } of [own, higher, elsewhere]) expect(await statusOf(id)).toBe('pending');
  });

  it('counts only for the stage and the round that it was asked of, where it says so', async () => {
    const stages = [
      { approvals: 1, levels: ['lead'] },
      { approvals: 1, levels: ['lead'] },
    ];
    const ada = house.folk.add('researcher');
    const { user_id, username } = ada.principal;
    const { id, jobId } = await openRequest(house, { user_id, username }, { stages });
    const [one, other, third] = [lead, house.folk.add('lead'), house.folk.add('lead')];
    const open = { decided: { is_open: true } };
    const first = { stage: 1, round: 1 };
    expect(await decide(one, jobId, { asked: first })).toMatchObject(open);
    // A stage that is over, for whoever could decide the one that is not, and for whoever has.
    for (const late of [other, one])
      expect(await decide(late, jobId, { asked: first })).toMatchObject({
        refused: { why: 'conflict', message: expect.stringContaining('a stage that is over') },
      });
    for (const status of ['approved', 'rejected'])
      expect(await decide(other, jobId, { asked: first, status })).toMatchObject({
        refused: { why: 'conflict' },
      });
    const request = `/api/approvals/requests/${id}`;
    await house.as(other).post(`${request}/request-changes`, { comment: 'smaller' });
    await house.as(ada).post(`${request}/resubmit`, { comment: 'no' });
    // The same stage, of the round before.
    expect(await decide(other, jobId, { asked: first })).toMatchObject({
      refused: { why: 'conflict', message: expect.stringContaining('before changes were asked for') },
    });
    expect((await house.as(ada).get(request)).body).toMatchObject({ status: 'pending', votes: [] });
    expect(await decide(other, jobId, { asked: { stage: 1, round: 2 } })).toMatchObject(open);
    expect(await decide(third, jobId, { asked: { stage: 2, round: 2 } })).toEqual({
      decided: { approval_id: id, at: expect.any(String) },
    });
    // Of what is decided it is said that it is.
    expect(await decide(other, jobId, { asked: first })).toMatchObject({
      refused: { message: expect.stringContaining('approved already') },
    });
  });

  it('in Slack is one on the request that was shown there, and on no other of the job', async () => {
    const { id, jobId } = await openRequest(house);
    const { user_id, username, level, reaches } = lead.principal;
    const by = { level, reaches, tenant: null, actor: { user_id, username, via: 'slack' } };
    const press = (approval_id: string) => decide(lead, jobId, { approval_id, by });
    expect(await press(NOBODYS)).toMatchObject({ refused: { why: 'not_found' } });
    expect(await statusOf(id)).toBe('pending');
    expect(await press(id)).toMatchObject({ decided: { approval_id: id } });
    await vi.waitFor(() => {
      const told = house.peer.events(approvalGranted).find(({ data }) => data.job_id === jobId);
      expect(told?.data).toMatchObject({ by: username, via: 'slack' });
      const entry = house.peer.events(auditRecorded).find(({ data }) => data.target === `approval/${id}`);
      expect(entry?.data.actor).toEqual({ user_id, username, via: 'slack' });
    });
  });
});
