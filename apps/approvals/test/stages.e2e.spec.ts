import {
  approvalChangesRequested,
  approvalGranted,
  approvalRejected,
  approvalReminder,
  approvalRequired,
  approvalStageStarted,
  approversFor,
  approversNow,
  type EventDef,
  type EventOf,
} from '@lineclear/contracts';
import { refusesBadInput, type Client, type Person } from '@lineclear/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { newJobId, openHouse, openRequest, verdictOf, type House } from './house.js';

const TEAM = 4;
let house: House;
let ada: Person;
let leads: Person[];
let admin: Client;
let questions: { levels: string[]; team_id?: number | undefined }[] = [];

beforeAll(async () => {
  house = await openHouse();
  const { folk } = house;
  ada = folk.add('researcher');
  leads = [0, 1, 2].map(() => folk.add('lead'));
  leads.push(folk.add('lead', { teams: [{ id: TEAM, slug: 'money', role: 'member' }] }));
  admin = house.as(folk.add('admin'));
  house.peer.answer(approversFor, (question) => {
    questions.push(question);
    return {
      people: leads.map(({ principal: { user_id, username, email } }) => ({ user_id, username, email })),
    };
  });
});
afterAll(async () => house?.close());

const mine = () => ({ user_id: ada.principal.user_id, username: ada.principal.username });
const told = <D extends EventDef>(def: D, jobId: string): EventOf<D>[] =>
  house.peer.events(def).filter((one) => (one as { data: { job_id: string } }).data.job_id === jobId);
const path = (id: string, verb = ''): string => `/api/approvals/requests/${id}${verb && `/${verb}`}`;
const lead = (n: number): Client => house.as(leads[n]!);
const askedNow = async (id: string): Promise<number[]> =>
  (await house.peer.ask(approversNow, { approval_id: id })).people.map(({ user_id }) => user_id);
const two = [
  { approvals: 2, levels: ['lead'] },
  { name: 'money', approvals: 1, levels: ['lead'], team_id: TEAM },
];

describe('a request with stages', () => {
  it('takes so many different people, one stage after the other, the last of them of a team', async () => {
    const { id, jobId } = await openRequest(house, mine(), { stages: two });
    expect((await lead(0).post(path(id, 'approve'), { notes: 'fine' })).body).toMatchObject({
      status: 'pending',
      stage: 1,
      stages: [
        { approvals: 2, given: 1 },
        { name: 'money', given: 0, team_id: TEAM },
      ],
      votes: [
        { user_id: leads[0]!.principal.user_id, vote: 'approved', stage: 1, notes: 'fine', via: 'api' },
      ],
      reviewed_by: null,
    });
    const again = await lead(0).post(path(id, 'approve'));
    expect([again.status, again.body.detail]).toEqual([
      403,
      'you decided on this request already: others are needed',
    ]);
    expect((await lead(1).post(path(id, 'approve'))).body).toMatchObject({ status: 'pending', stage: 2 });
    await vi.waitFor(() => expect(told(approvalStageStarted, jobId)).toHaveLength(1));
    expect(told(approvalStageStarted, jobId)[0]!.data).toMatchObject({
      approval_id: id,
      stage: 2,
      round: 1,
      cause: 'stage',
      stages: two,
    });
    const wrong = await lead(2).post(path(id, 'approve'));
    expect([wrong.status, wrong.body.detail]).toEqual([403, `this request needs someone of team ${TEAM}`]);
    expect((await lead(1).post(path(id, 'approve'))).status).toBe(403);
    expect(told(approvalGranted, jobId)).toEqual([]);
    expect((await lead(3).post(path(id, 'approve'))).body).toMatchObject({
      status: 'approved',
      reviewed_by: leads[3]!.principal.username,
    });
    await vi.waitFor(() => expect(told(approvalGranted, jobId)).toHaveLength(1));
  });

  it('asks at every moment those who are needed, and nobody who said something already', async () => {
    const { id } = await openRequest(house, mine(), { stages: two });
    questions = [];
    const ids = leads.map(({ principal }) => principal.user_id);
    expect(await askedNow(id)).toEqual(ids);
    await lead(0).post(path(id, 'approve'));
    expect(await askedNow(id)).toEqual(ids.slice(1));
    await lead(1).post(path(id, 'approve'));
    await askedNow(id);
    expect(questions.map(({ levels, team_id }) => [levels, team_id])).toEqual([
      [['lead'], undefined],
      [['lead'], undefined],
      [['lead'], TEAM],
    ]);
    await lead(3).post(path(id, 'approve'));
    expect(await askedNow(id)).toEqual([]);
    expect(await askedNow(newId())).toEqual([]);
  });

  it('ends with so many who say no, in whichever stage, and one who may decide does not take it back alone', async () => {
    const { id, jobId } = await openRequest(house, mine(), { stages: two, rejections: 2 });
    expect((await lead(0).post(path(id, 'reject'), { reason: 'dear' })).body.status).toBe('pending');
    const alone = await lead(1).post(path(id, 'cancel'));
    expect([alone.status, alone.body.detail]).toEqual([
      403,
      'it takes 2 people to end this request: reject it',
    ]);
    await lead(1).post(path(id, 'approve'));
    await lead(2).post(path(id, 'approve'));
    expect((await lead(3).post(path(id, 'reject'), { reason: 'too dear' })).body).toMatchObject({
      status: 'rejected',
      review_notes: 'too dear',
      votes: [
        { vote: 'rejected' },
        { vote: 'approved' },
        { vote: 'approved' },
        { vote: 'rejected', stage: 2 },
      ],
    });
    await vi.waitFor(() => expect(told(approvalRejected, jobId)).toHaveLength(1));
  });

  it('counts each of those who decide at the same moment, and no more than are needed', async () => {
    for (let n = 0; n < 5; n += 1) {
      const { id, jobId } = await openRequest(house, mine(), { stages: [two[0]!] });
      const answers = await Promise.all([0, 1, 2].map((one) => lead(one).post(path(id, 'approve'))));
      const statuses = answers.map(({ status, body }) => (status === 200 ? body.status : status));
      expect(new Set(statuses)).toEqual(new Set([409, 'approved', 'pending']));
      await vi.waitFor(() => expect(told(approvalGranted, jobId)).toHaveLength(1));
      expect((await admin.get(path(id))).body.votes).toHaveLength(2);
    }
  });

  it('says in all that asks for a word which stage and round it is asked for', async () => {
    const { id, jobId } = await openRequest(house, mine(), { stages: two });
    await vi.waitFor(() =>
      expect(told(approvalRequired, jobId)[0]?.data).toMatchObject({ stage: 1, round: 1 }),
    );
    await lead(0).post(path(id, 'approve'));
    await lead(1).post(path(id, 'approve'));
    house.clock.advanceHours(13);
    await vi.waitFor(
      () => expect(told(approvalReminder, jobId).at(-1)?.data).toMatchObject({ stage: 2, round: 1 }),
      { timeout: 20_000 },
    );
    await lead(3).post(path(id, 'request-changes'), { comment: 'a smaller GPU will do' });
    await house.as(ada).post(path(id, 'resubmit'), { comment: 'it needs 80 GB' });
    await vi.waitFor(() =>
      expect(told(approvalStageStarted, jobId).at(-1)?.data).toMatchObject({ stage: 1, round: 2 }),
    );
  });

  it('says over the queue that a word counts and the job waits on', async () => {
    const { id } = await openRequest(house, mine(), { stages: two });
    const { body } = await lead(0).post('/api/approvals/requests/bulk-approve', { request_ids: [id] });
    expect(body).toMatchObject({ succeeded: 1 });
    expect((await admin.get(path(id))).body).toMatchObject({ status: 'pending', stages: [{ given: 1 }, {}] });
  });
});

describe('asking for changes', () => {
  it('sends it back, and what was said before does not count once the requester answered', async () => {
    const { id, jobId } = await openRequest(house, mine(), { stages: two });
    await lead(0).post(path(id, 'approve'));
    const sent = await lead(1).post(path(id, 'request-changes'), { comment: 'a smaller GPU will do' });
    expect(sent.body).toMatchObject({ status: 'pending', awaits: 'requester', round: 1 });
    await vi.waitFor(() => expect(told(approvalChangesRequested, jobId)).toHaveLength(1));
    expect(told(approvalChangesRequested, jobId)[0]!.data).toMatchObject({
      ...mine(),
      by: leads[1]!.principal.username,
      via: 'api',
      round: 1,
      comment: 'a smaller GPU will do',
    });
    expect(await askedNow(id)).toEqual([]);
    const early = await lead(2).post(path(id, 'approve'));
    expect([early.status, early.body.detail]).toEqual([
      409,
      'changes were asked for: the requester is to answer first',
    ]);
    const other = await lead(2).post(path(id, 'resubmit'), { comment: 'for them' });
    expect([other.status, other.body.detail]).toEqual([403, 'only the requester answers for the job']);

    house.clock.advanceHours(20);
    const answered = await house.as(ada).post(path(id, 'resubmit'), { comment: 'it needs 80 GB' });
    expect(answered.body).toMatchObject({ awaits: 'approvers', round: 2, stage: 1, votes: [] });
    const left = new Date(answered.body.expires_at).getTime() - house.clock.now().getTime();
    expect(left).toBeGreaterThan(23 * 3_600_000);
    await vi.waitFor(() => expect(told(approvalStageStarted, jobId)).toHaveLength(1));
    expect(told(approvalStageStarted, jobId)[0]!.data).toMatchObject({ round: 2, stage: 1, cause: 'round' });
    const twice = await house.as(ada).post(path(id, 'resubmit'), { comment: 'again' });
    expect([twice.status, twice.body.detail]).toEqual([
      409,
      'nobody asked for changes: the request waits for a decision',
    ]);

    for (const n of [0, 1, 3]) expect((await lead(n).post(path(id, 'approve'))).status).toBe(200);
    expect((await admin.get(path(id))).body).toMatchObject({ status: 'approved', round: 2 });
    const { body } = await house.as(ada).get(path(id, 'comments'));
    expect(body.comments).toMatchObject([
      { kind: 'changes_requested', round: 1, comment: 'a smaller GPU will do' },
      { kind: 'resubmitted', round: 2, comment: 'it needs 80 GB', username: ada.principal.username },
    ]);
  });

  it('takes a comment, of somebody who may decide; and nobody asks it of themselves', async () => {
    const { id } = await openRequest(house, mine());
    await refusesBadInput(lead(0).post, path(id, 'request-changes'), { comment: 'x' }, [
      ['comment', { comment: ' ' }],
    ]);
    expect((await house.as(ada).post(path(id, 'request-changes'), { comment: 'x' })).status).toBe(403);
    const own = await openRequest(house, { user_id: leads[0]!.principal.user_id });
    expect((await lead(0).post(path(own.id, 'request-changes'), { comment: 'x' })).status).toBe(403);
    expect((await admin.post(path(newId(), 'request-changes'), { comment: 'x' })).status).toBe(404);
  });
});

describe('comments', () => {
  it('are read by whoever sees the request, and end with it', async () => {
    const { id } = await openRequest(house, mine());
    expect((await house.as(ada).post(path(id, 'comments'), { comment: ' please ' })).status).toBe(201);
    expect((await lead(0).post(path(id, 'comments'), { comment: 'why?' })).status).toBe(201);
    const { body } = await house.as(ada).get(path(id, 'comments'));
    expect(body.comments.map((one: { comment: string }) => one.comment)).toEqual(['please', 'why?']);
    const stranger = house.as(house.folk.add('researcher'));
    expect((await stranger.get(path(id, 'comments'))).status).toBe(404);
    expect((await stranger.post(path(id, 'comments'), { comment: 'x' })).status).toBe(404);
    await refusesBadInput(lead(0).post, path(id, 'comments'), { comment: 'x' }, [
      ['comment', { comment: ' ' }],
    ]);
    await lead(0).post(path(id, 'approve'));
    expect((await lead(0).post(path(id, 'comments'), { comment: 'late' })).status).toBe(409);
  });

  it('have an end', async () => {
    const { id } = await openRequest(house, mine());
    await house.service.database.query(
      `insert into approval_comment select gen_random_uuid(), $1, 1, 'comment', 1, 'x', 'y', now() from generate_series(1, 199)`,
      [id],
    );
    expect((await lead(0).post(path(id, 'comments'), { comment: 'the last' })).status).toBe(201);
    const more = await lead(0).post(path(id, 'comments'), { comment: 'more' });
    expect([more.status, more.body.detail]).toEqual([409, 'a request takes 200 comments, and has them']);
    // Which is no way to keep anybody from deciding.
    expect((await lead(0).post(path(id, 'request-changes'), { comment: 'smaller' })).status).toBe(200);
    expect((await house.as(ada).post(path(id, 'resubmit'), { comment: 'it is' })).status).toBe(200);
  });
});

describe('a rule', () => {
  const rule = (more: object) => ({ name: 'dear', condition: 'cost_exceeds', threshold: 50, ...more });

  it('asks for stages, whose level is its own where they name none', async () => {
    const stages = [{ approvals: 2 }, { name: 'money', level: 'admin', team_id: TEAM }];
    const made = await admin.post('/api/approvals/rules', rule({ stages, rejections: 2 }));
    expect(made.body).toMatchObject({
      stages: [{ approvals: 2 }, { approvals: 1, level: 'admin' }],
      rejections: 2,
    });
    expect(await verdictOf(house)).toMatchObject({
      required_level: 'lead',
      stages: [
        { approvals: 2, levels: ['lead'] },
        { name: 'money', approvals: 1, levels: ['admin'], team_id: TEAM },
      ],
      rejections: 2,
    });
    const change = { required_approver_level: 'admin', stages: [], rejections: 1 };
    await admin.patch(`/api/approvals/rules/${made.body.id}`, change);
    const need = await verdictOf(house);
    expect(need).toMatchObject({ required_level: 'admin' });
    expect(need).not.toHaveProperty('stages');
    await admin.delete(`/api/approvals/rules/${made.body.id}`);
  });

  it('is refused when its stages cannot be', async () => {
    await refusesBadInput(admin.post, '/api/approvals/rules', rule({}), [
      ['stages', rule({ stages: Array.from({ length: 6 }, () => ({})) })],
      ['stages.0.approvals', rule({ stages: [{ approvals: 11 }] })],
      ['stages.0.approvals', rule({ stages: [{ approvals: 0 }] })],
      ['stages.0.level', rule({ stages: [{ level: 'no_such_level' }] })],
      ['stages.0.team_id', rule({ stages: [{ team_id: 0 }] })],
      ['rejections', rule({ rejections: 0 })],
    ]);
  });

  it('is one of twenty at most that have stages', async () => {
    const ids: number[] = [];
    for (let n = 0; n < 20; n += 1)
      ids.push((await admin.post('/api/approvals/rules', rule({ stages: [{}], is_active: true }))).body.id);
    const { status, body } = await admin.post('/api/approvals/rules', rule({ stages: [{}] }));
    expect([status, body.detail]).toEqual([409, 'there are 20 active rules with stages, and no more may be']);
    const idle = await admin.post('/api/approvals/rules', rule({ stages: [{}], is_active: false }));
    expect(idle.status).toBe(201);
    for (const id of [...ids, idle.body.id]) await admin.delete(`/api/approvals/rules/${id}`);
  });
});

const newId = (): string => `0190f3c2-a1b2-7c3d-8e4f-${newJobId().slice(-12)}`;
