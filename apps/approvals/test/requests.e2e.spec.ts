import {
  approvalCancelled,
  approvalGranted,
  approvalRejected,
  type EventDef,
  type EventOf,
} from '@lineclear/contracts';
import { expectProblem, refusesBadInput, type Client, type Person } from '@lineclear/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { newJobId, openHouse, openRequest, type House } from './house.js';

let house: House;
let people: Record<'viewer' | 'researcher' | 'lead' | 'admin' | 'other', Person>;
let lead: Client;
let admin: Client;

beforeAll(async () => {
  house = await openHouse();
  const { folk } = house;
  people = {
    viewer: folk.add('viewer'),
    researcher: folk.add('researcher'),
    lead: folk.add('lead'),
    admin: folk.add('admin'),
    other: folk.add('researcher'),
  };
  lead = house.as(people.lead);
  admin = house.as(people.admin);
});
afterAll(async () => house?.close());

const by = (person: Person) => ({ user_id: person.principal.user_id, username: person.principal.username });
const told = <D extends EventDef>(def: D, jobId: string): EventOf<D>[] =>
  house.peer.events(def).filter((one) => (one as { data: { job_id: string } }).data.job_id === jobId);

describe('deciding where a level is asked for that somebody made', () => {
  it('is for its people and those above, and for an admin when the level is gone', async () => {
    const { folk } = house;
    const permissions = ['job.view.own', 'admin.approve'] as const;
    await folk.level('assistant', { priority: 24, permissions });
    await folk.level('senior', { priority: 25, permissions });
    await folk.level('steward', { priority: 26, permissions });
    const open = async (required_level: string) =>
      `/api/approvals/requests/${(await openRequest(house, {}, { required_level })).id}/approve`;
    const by = async (level: string, path: string) => {
      const { status, body } = await house.as(folk.add(level)).post(path, {});
      return [status, status === 403 ? body.detail : body.status];
    };
    const tooLow = [403, 'this request needs someone of level senior or above'];
    const path = await open('senior');
    expect(await by('assistant', path)).toEqual(tooLow);
    expect(await by('senior', path)).toEqual([200, 'approved']);
    expect(await by('steward', await open('senior'))).toEqual([200, 'approved']);
    expect(await by('lead', await open('senior'))).toEqual([200, 'approved']);
    const gone = await open('long_gone');
    expect((await by('lead', gone))[0]).toBe(403);
    expect(await by('admin', gone)).toEqual([200, 'approved']);
  });
});

const askedBy = ({ principal: { user_id, username } }: Person) => ({
  user_id,
  username,
  config_name: 'flux-lora',
});

describe('deciding', () => {
  it('approves, once, and tells who did', async () => {
    const { id, jobId } = await openRequest(house, by(people.researcher));
    const approved = await lead.post(`/api/approvals/requests/${id}/approve`, { notes: 'fine' });
    expect(approved.status).toBe(200);
    const { username, user_id } = people.lead.principal;
    expect(approved.body).toMatchObject({
      id,
      job_id: jobId,
      status: 'approved',
      reviewed_by: username,
      reviewed_by_user_id: user_id,
      review_notes: 'fine',
    });
    await vi.waitFor(() => expect(told(approvalGranted, jobId)).toHaveLength(1));
    expect(told(approvalGranted, jobId)[0]!.data).toEqual({
      approval_id: id,
      job_id: jobId,
      ...askedBy(people.researcher),
      by_user_id: user_id,
      by: username,
      via: 'api',
      at: approved.body.reviewed_at,
      notes: 'fine',
    });
    const again = await admin.post(`/api/approvals/requests/${id}/approve`);
    expect(again.status).toBe(409);
    expect(again.body.detail).toContain(`approved already, by ${username}`);
    expect((await admin.post(`/api/approvals/requests/${id}/reject`, { reason: 'late' })).status).toBe(409);
    expect((await admin.post(`/api/approvals/requests/${id}/cancel`)).status).toBe(409);
    expect((await admin.get(`/api/approvals/requests/${id}`)).body).toEqual(approved.body);
  });

  it('rejects, with a reason', async () => {
    const { id, jobId } = await openRequest(house);
    const rejected = await lead.post(`/api/approvals/requests/${id}/reject`, { reason: 'too dear' });
    expect(rejected.body).toMatchObject({
      status: 'rejected',
      review_notes: 'too dear',
      reviewed_by: people.lead.principal.username,
    });
    await vi.waitFor(() =>
      expect(told(approvalRejected, jobId)[0]?.data).toMatchObject({
        approval_id: id,
        reason: 'too dear',
        via: 'api',
      }),
    );
  });

  it('lets one of two win who decide at the same moment', async () => {
    for (let n = 0; n < 5; n += 1) {
      const { id, jobId } = await openRequest(house);
      const answers = await Promise.all([
        lead.post(`/api/approvals/requests/${id}/approve`),
        admin.post(`/api/approvals/requests/${id}/reject`, { reason: 'no' }),
        admin.post(`/api/approvals/requests/${id}/approve`),
        lead.post(`/api/approvals/requests/${id}/cancel`),
      ]);
      expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([200, 409, 409, 409]);
      const all = (): unknown[] =>
        [approvalGranted, approvalRejected, approvalCancelled].flatMap((def) => told<EventDef>(def, jobId));
      await vi.waitFor(() => expect(all()).toHaveLength(1));
    }
  });

  it('is not for the requester, of whatever level', async () => {
    const { id } = await openRequest(house, { ...by(people.admin), level: 'admin' });
    expect((await admin.post(`/api/approvals/requests/${id}/approve`)).status).toBe(403);
    expect((await admin.post(`/api/approvals/requests/${id}/reject`, { reason: 'x' })).status).toBe(403);
    expect((await admin.get(`/api/approvals/requests/${id}`)).body.status).toBe('pending');
    expect((await lead.post(`/api/approvals/requests/${id}/approve`)).status).toBe(200);
  });

  it('is not for a level below the one the rule asks for', async () => {
    const { id } = await openRequest(house, {}, { required_level: 'admin' });
    for (const [verb, body] of [
      ['approve', {}],
      ['reject', { reason: 'x' }],
    ] as const) {
      const refused = await lead.post(`/api/approvals/requests/${id}/${verb}`, body);
      expect(refused.status).toBe(403);
      expect(refused.body.detail).toContain('level admin');
    }
    expect((await admin.post(`/api/approvals/requests/${id}/approve`)).status).toBe(200);
  });

  it('is not for those without the permission, nor for keys without it in their scope', async () => {
    const { id } = await openRequest(house);
    const narrow = house.folk.add('admin', { permissions: ['job.view.own'] });
    for (const person of [people.viewer, people.researcher, narrow]) {
      expect((await house.as(person).post(`/api/approvals/requests/${id}/approve`)).status).toBe(403);
      expect(
        (await house.as(person).post(`/api/approvals/requests/${id}/reject`, { reason: 'x' })).status,
      ).toBe(403);
    }
    // A permission that was granted does not lift the level.
    const granted = house.folk.add('researcher', { permissions: ['admin.approve'] });
    expect((await house.as(granted).post(`/api/approvals/requests/${id}/approve`)).status).toBe(403);
    expect(
      (await house.as({ ...granted, token: 'lc_nobody' }).post(`/api/approvals/requests/${id}/approve`))
        .status,
    ).toBe(401);
    expect((await admin.get(`/api/approvals/requests/${id}`)).body.status).toBe('pending');
  });

  it('refuses bad input and changes nothing', async () => {
    const { id } = await openRequest(house);
    const path = `/api/approvals/requests/${id}`;
    const long = 'x'.repeat(2_001);
    await refusesBadInput(lead.post, `${path}/approve`, {}, [
      ['notes', { notes: 5 }],
      ['notes', { notes: long }],
      ['notes', { notes: null }],
    ]);
    await refusesBadInput(lead.post, `${path}/reject`, { reason: 'x' }, [
      ['reason', {}],
      ['reason', { reason: '' }],
      ['reason', { reason: '   ' }],
      ['reason', { reason: long }],
      ['reason', { reason: 1 }],
    ]);
    expectProblem(await lead.post(`${path}/cancel`, '{"broken'), 'cancel with broken JSON');
    expect((await admin.get(path)).body).toMatchObject({ status: 'pending', review_notes: null });
    for (const verb of ['approve', 'reject', 'cancel']) {
      expectProblem(
        await lead.post(`/api/approvals/requests/not-a-uuid/${verb}`, { reason: 'x' }),
        verb,
        verb === 'reject' || verb === 'cancel' ? 'id' : undefined,
      );
      const unknown = '01900000-0000-7000-8000-000000000000';
      expect(
        (
          await lead.post(
            `/api/approvals/requests/${unknown}/${verb}`,
            verb === 'reject' ? { reason: 'x' } : undefined,
          )
        ).status,
      ).toBe(404);
    }
  });
});

describe('taking back', () => {
  it('is for the requester and for approvers', async () => {
    const mine = await openRequest(house, by(people.researcher));
    const cancelled = await house.as(people.researcher).post(`/api/approvals/requests/${mine.id}/cancel`);
    expect(cancelled.body).toMatchObject({
      status: 'cancelled',
      reviewed_by: people.researcher.principal.username,
    });
    await vi.waitFor(() =>
      expect(told(approvalCancelled, mine.jobId)[0]?.data).toEqual({
        approval_id: mine.id,
        job_id: mine.jobId,
        ...askedBy(people.researcher),
        by_user_id: people.researcher.principal.user_id,
        by: people.researcher.principal.username,
        at: cancelled.body.reviewed_at,
      }),
    );
    expect((await lead.post(`/api/approvals/requests/${mine.id}/approve`)).status).toBe(409);
    const other = await openRequest(house, by(people.researcher));
    expect((await lead.post(`/api/approvals/requests/${other.id}/cancel`)).status).toBe(200);
  });

  it('takes an approver whom the rule would let decide, as it has the effect of a no', async () => {
    const { id } = await openRequest(house, by(people.researcher), { required_level: 'admin' });
    const refused = await lead.post(`/api/approvals/requests/${id}/cancel`);
    expect(refused.status).toBe(403);
    expect(refused.body.detail).toContain('level admin');
    // Who may cancel every job may cancel this one.
    expect((await admin.post(`/api/approvals/requests/${id}/cancel`)).body.status).toBe('cancelled');
    const approver = house.folk.add('admin', { permissions: ['admin.approve'] });
    const own = await openRequest(house, by(approver));
    expect((await house.as(approver).post(`/api/approvals/requests/${own.id}/cancel`)).status).toBe(403);
  });

  it('is not for others, nor for a key that may only look', async () => {
    const { id } = await openRequest(house, by(people.researcher));
    expect((await house.as(people.other).post(`/api/approvals/requests/${id}/cancel`)).status).toBe(404);
    expect((await house.as(people.viewer).post(`/api/approvals/requests/${id}/cancel`)).status).toBe(404);
    const looker = house.folk.add('researcher', { permissions: ['job.view.own'] });
    const own = await openRequest(house, by(looker));
    expect((await house.as(looker).post(`/api/approvals/requests/${own.id}/cancel`)).status).toBe(404);
    expect((await admin.get(`/api/approvals/requests/${id}`)).body.status).toBe('pending');
  });
});

describe('looking', () => {
  it('shows the fields that scripts read', async () => {
    const { id, jobId } = await openRequest(house, by(people.researcher));
    const { body } = await lead.get(`/api/approvals/requests/${id}`);
    expect(body).toMatchObject({
      id,
      job_id: jobId,
      ...by(people.researcher),
      rule_id: 1,
      rule_name: 'high_cost',
      status: 'pending',
      reason: 'estimated cost $72.00 exceeds $50.00',
      provider: 'replicate',
      config_name: 'flux-lora',
      estimated_cost_usd: 72,
      estimated_cost: 72,
      hardware: 'a100-80gb',
      hardware_type: 'a100-80gb',
      required_level: 'lead',
      reviewed_by: null,
      reviewed_at: null,
      review_notes: null,
    });
    expect((await lead.get(`/api/approvals/requests/job/${jobId}`)).body).toEqual(body);
  });

  it('shows people their own, approvers all, and others nothing', async () => {
    const { id, jobId } = await openRequest(house, by(people.researcher));
    const statuses = async (person: Person): Promise<number[]> => {
      const http = house.as(person);
      return [
        (await http.get(`/api/approvals/requests/${id}`)).status,
        (await http.get(`/api/approvals/requests/job/${jobId}`)).status,
        (await http.get('/api/approvals/requests')).status,
        (await http.get('/api/approvals/requests/pending/count')).status,
        (await http.get('/api/approvals/me')).status,
      ];
    };
    expect(await statuses(people.researcher)).toEqual([200, 200, 403, 403, 200]);
    expect(await statuses(people.other)).toEqual([404, 404, 403, 403, 200]);
    expect(await statuses(people.viewer)).toEqual([404, 404, 403, 403, 200]);
    expect(await statuses(people.lead)).toEqual([200, 200, 200, 200, 200]);
    expect(await statuses(people.admin)).toEqual([200, 200, 200, 200, 200]);
    expect(await statuses({ ...people.admin, token: 'lc_nobody' })).toEqual([401, 401, 401, 401, 401]);
    expect((await lead.get(`/api/approvals/requests/job/${newJobId()}`)).status).toBe(404);
    expectProblem(await lead.get('/api/approvals/requests/job/nonsense'), 'job id', 'job_id');
  });

  it('pages, filters and counts', async () => {
    const person = house.folk.add('researcher');
    const opened = [];
    for (let n = 0; n < 5; n += 1) opened.push(await openRequest(house, by(person)));
    await lead.post(`/api/approvals/requests/${opened[1]!.id}/approve`);
    await lead.post(`/api/approvals/requests/${opened[3]!.id}/reject`, { reason: 'no' });
    const http = house.as(person);
    const ids: string[] = [];
    for (let cursor = ''; ;) {
      const { body } = await http.get(`/api/approvals/me?limit=2${cursor}`);
      expect(body).toMatchObject({ total: 5, pending_count: 3 });
      ids.push(...body.requests.map((one: { id: string }) => one.id));
      if (body.next_cursor === undefined) break;
      cursor = `&cursor=${body.next_cursor}`;
    }
    expect(ids).toEqual(opened.map((one) => one.id).toReversed());
    expect(
      (await http.get('/api/approvals/me?status=approved')).body.requests.map(
        (one: { id: string }) => one.id,
      ),
    ).toEqual([opened[1]!.id]);
    expect((await http.get('/api/approvals/me?status=pending')).body).toMatchObject({ total: 3 });

    const all = (await lead.get('/api/approvals/requests?limit=200')).body;
    const pending = (await lead.get('/api/approvals/requests?pending_only=true&limit=200')).body;
    expect(all.pending_count).toBe(pending.total);
    expect(pending.requests.every((one: { status: string }) => one.status === 'pending')).toBe(true);
    expect((await lead.get('/api/approvals/requests/pending/count')).body).toEqual({
      pending_count: pending.total,
    });
    for (const [field, query] of [
      ['limit', 'limit=0'],
      ['limit', 'limit=201'],
      ['status', 'status=odd'],
      ['cursor', 'cursor=x'],
      ['pending_only', 'pending_only=1'],
      ['offset', 'offset=3'],
    ] as const) {
      expectProblem(await lead.get(`/api/approvals/requests?${query}`), query, field);
    }
  });

  it('counts in its metrics', async () => {
    const { pending_count } = (await lead.get('/api/approvals/requests/pending/count')).body;
    const metrics: string = (await lead.get('/metrics')).body;
    expect(metrics).toContain(`lineclear_approval_requests_pending{service="approvals"} ${pending_count}`);
    expect(metrics).toMatch(
      /lineclear_approval_decisions_total\{decision="approved",service="approvals"\} [1-9]/,
    );
  });
});
