import {
  approvalBypassed,
  approvalBypassReviewed,
  approvalExpired,
  approvalGranted,
  approvalRequired,
  approversFor,
  approversNow,
  auditRecorded,
  deciderNow,
  jobSubmitted,
  type EventDef,
  type EventOf,
  type JobFacts,
} from '@lineclear/contracts';
import { refusesBadInput, type Client, type Person } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { needAt, newJobId, openHouse, openRequest, submitted, type House } from './house.js';

const STANDING = '/api/approvals/standing';
let house: House;
let lead: Person;
let other: Person;
let boss: Person;
let admin: Client;
let people: Person[];

beforeAll(async () => {
  house = await openHouse({ APPROVAL_REVIEW_HOURS: '12' });
  const { folk } = house;
  [lead, other, boss] = [folk.add('lead'), folk.add('lead'), folk.add('admin')];
  admin = house.as(boss);
  people = [lead, other, boss];
  house.peer.answer(deciderNow, ({ user_id }) => ({
    decider: people.find(({ principal }) => principal.user_id === user_id)?.principal ?? null,
  }));
  house.peer.answer(approversFor, ({ not }) => ({
    people: people
      .map(({ principal: { user_id, username, email } }) => ({ user_id, username, email }))
      .filter(({ user_id }) => user_id !== not),
  }));
});
afterAll(async () => house?.close());
beforeEach(() => house.service.database.query('delete from standing_approval'));

const inHours = (hours: number): string =>
  new Date(house.clock.now().getTime() + hours * 3_600_000).toISOString();
const grant = (more: object = {}, by = lead) =>
  house.as(by).post(STANDING, { user_id: 900, cap_usd: 200, ends_at: inHours(24), reason: 'sweep', ...more });
const showRequest = async (id: string) => (await admin.get(`/api/approvals/requests/${id}`)).body;
const told = <D extends EventDef>(def: D, jobId: string): EventOf<D>[] =>
  house.peer.events(def).filter((one) => (one as { data: { job_id: string } }).data.job_id === jobId);

describe('a standing approval', () => {
  it('says yes to jobs such as it names, for whoever granted it, until its sum is spent', async () => {
    const { status, body } = await grant({ config_pattern: 'flux-*', max_job_usd: 100 });
    expect([status, body]).toEqual([
      201,
      expect.objectContaining({ left_usd: 200, per: 'once', granted_by: lead.principal.username }),
    ]);
    const [first, second, third] = [
      await openRequest(house),
      await openRequest(house),
      await openRequest(house),
    ];
    for (const { id, jobId } of [first, second]) {
      expect(await showRequest(id)).toMatchObject({
        status: 'approved',
        reviewed_by_user_id: lead.principal.user_id,
        votes: [{ via: 'standing', notes: `standing approval ${body.id}: sweep` }],
      });
      await vi.waitFor(() => expect(told(approvalGranted, jobId)).toHaveLength(1));
      expect(told(approvalGranted, jobId)[0]!.data).toMatchObject({ via: 'standing' });
      expect(told(approvalRequired, jobId)).toEqual([]);
    }
    expect(await showRequest(third.id)).toMatchObject({ status: 'pending', votes: [] });
    expect((await house.as(lead).get(STANDING)).body.standing_approvals).toMatchObject([{ left_usd: 56 }]);
    const sdxl = await openRequest(house, { config_name: 'sdxl' });
    expect((await showRequest(sdxl.id)).status).toBe('pending');
    const entry = await vi.waitFor(() => {
      const found = house.peer
        .events(auditRecorded)
        .find(({ data }) => data.target === `approval/${first.id}`);
      expect(found).toBeDefined();
      return found!.data;
    });
    expect(entry).toMatchObject({
      action: 'approval.approved',
      actor: { user_id: lead.principal.user_id, via: 'standing' },
    });
  });

  it('is spent by no two jobs at once', async () => {
    await grant();
    const jobs = Array.from({ length: 6 }, () => ({ jobId: newJobId(), need: needAt(house.clock.now()) }));
    await Promise.all(
      jobs.map(({ jobId, need }) =>
        house.peer.publish(jobSubmitted, submitted(jobId, {}, { approval: need })),
      ),
    );
    await house.settled();
    const all = await Promise.all(jobs.map(({ need }) => showRequest(need.approval_id)));
    expect(all.filter(({ status }) => status === 'approved')).toHaveLength(2);
  });

  it('is one word among several, and never more than its granter could say now', async () => {
    await grant({ cap_usd: 10_000 });
    const staged = await openRequest(house, {}, { stages: [{ approvals: 2, levels: ['lead'] }] });
    expect(await showRequest(staged.id)).toMatchObject({ status: 'pending', stages: [{ given: 1 }] });
    expect((await house.as(lead).post(`/api/approvals/requests/${staged.id}/approve`)).status).toBe(403);
    expect((await house.as(other).post(`/api/approvals/requests/${staged.id}/approve`)).body.status).toBe(
      'approved',
    );

    const high = await openRequest(house, {}, { required_level: 'admin' });
    expect((await showRequest(high.id)).status).toBe('pending');
    await grant({ user_id: undefined, cap_usd: 10_000 }, boss);
    const own = await openRequest(house, { user_id: boss.principal.user_id }, { required_level: 'admin' });
    expect((await showRequest(own.id)).status).toBe('pending');
    const theirs = await openRequest(
      house,
      { user_id: other.principal.user_id },
      { required_level: 'admin' },
    );
    expect((await showRequest(theirs.id)).status).toBe('approved');
    people = people.filter((one) => one !== boss);
    const later = await openRequest(house, { user_id: other.principal.user_id }, { required_level: 'admin' });
    expect((await showRequest(later.id)).status).toBe('pending');
    people = [...people, boss];
  });

  it('says nothing of what a quota or a secret holds, nor when it is over or taken back', async () => {
    await grant({ cap_usd: 10_000 });
    const { body } = await grant({ cap_usd: 10_000 }, other);
    const quota = await openRequest(house, { over_quota: ['too much'] });
    const secret = await openRequest(house, {
      secrets_needing_approval: [{ name: 'A', scope: 'global', level: 'lead' }],
    });
    for (const { id } of [quota, secret]) expect((await showRequest(id)).status).toBe('pending');
    const [first] = (await admin.get(STANDING)).body.standing_approvals.slice(1);
    expect((await house.as(lead).delete(`${STANDING}/${first.id}`)).body).toMatchObject({
      revoked_at: expect.any(String),
    });
    expect((await house.as(lead).delete(`${STANDING}/${first.id}`)).status).toBe(404);
    expect(await showRequest((await openRequest(house)).id)).toMatchObject({
      reviewed_by: other.principal.username,
    });
    house.clock.advanceHours(25);
    expect((await showRequest((await openRequest(house)).id)).status).toBe('pending');
    expect((await admin.get(STANDING)).body.standing_approvals).toEqual([]);
    const page = (await admin.get(`${STANDING}?active_only=false&limit=1`)).body;
    expect(page).toMatchObject({ standing_approvals: [{ id: body.id }], next_cursor: body.id });
    const rest = (await admin.get(`${STANDING}?active_only=false&cursor=${page.next_cursor}`)).body;
    expect(rest.standing_approvals).toHaveLength(1);
  });

  it('speaks for a job that nobody had looked at before, too', async () => {
    await grant();
    const rule = { name: 'dear', condition: 'cost_exceeds', threshold: 50 };
    const made = await admin.post('/api/approvals/rules', rule);
    const jobId = newJobId();
    await house.peer.publish(jobSubmitted, submitted(jobId, {}, { status: 'awaiting_evaluation' }));
    await house.settled();
    await vi.waitFor(() => expect(told(approvalGranted, jobId)).toHaveLength(1));
    // It is told that it was held first: without that it would not know what was granted.
    expect(told(approvalRequired, jobId)).toHaveLength(1);
    await admin.delete(`/api/approvals/rules/${made.body.id}`);
  });

  it('is granted as can be, by who may approve', async () => {
    const good = { cap_usd: 5, ends_at: inHours(1), reason: 'x' };
    await refusesBadInput(house.as(lead).post, STANDING, good, [
      ['cap_usd', { ...good, cap_usd: 0 }],
      ['ends_at', { ...good, ends_at: inHours(-1) }],
      ['ends_at', { ...good, ends_at: inHours(24 * 400) }],
      ['reason', { ...good, reason: '' }],
      ['config_pattern', { ...good, config_pattern: '^(a' }],
      ['hardware_pattern', { ...good, hardware_pattern: '[a' }],
      ['user_id', { ...good, user_id: lead.principal.user_id }],
      ['per', { ...good, per: 'day' }],
    ]);
    expect((await house.as(house.folk.add('researcher')).post(STANDING, good)).status).toBe(403);
    await house.service.database.query(
      `insert into standing_approval (cap_usd, per, starts_at, ends_at, reason, granted_by_id, granted_by, created_at)
       select 1, 'once', $1, $1::timestamptz + interval '1 day', 'x', 1, 'x', $1 from generate_series(1, 500)`,
      [house.clock.now()],
    );
    const more = await house.as(lead).post(STANDING, good);
    expect([more.status, more.body.detail]).toEqual([
      409,
      '500 standing approvals are in force, and no more may be',
    ]);
  });
});

describe('passing an approval', () => {
  const bypass = { reason: 'the demo is at noon' };
  const pass = async (by: Person, more: Partial<JobFacts> = {}) =>
    openRequest(house, { user_id: by.principal.user_id, username: by.principal.username, bypass, ...more });
  const review = (by: Person, id: string, verdict = 'accepted') =>
    house.as(by).post(`/api/approvals/requests/${id}/review`, { verdict, comment: 'right so' });

  it('lets the job go on at once, tells who could have decided, and waits for one of them to look at it', async () => {
    const { id, jobId } = await pass(boss);
    expect(await showRequest(id)).toMatchObject({
      status: 'approved',
      reviewed_by_user_id: boss.principal.user_id,
      review_notes: bypass.reason,
      bypass_review: 'due',
    });
    await vi.waitFor(() => expect(told(approvalBypassed, jobId)).toHaveLength(1));
    expect(told(approvalGranted, jobId)[0]!.data).toMatchObject({
      via: 'bypass',
      by_user_id: boss.principal.user_id,
    });
    expect(told(approvalBypassed, jobId)[0]!.data).toMatchObject({ bypass_reason: bypass.reason, number: 1 });
    const asked = (await house.peer.ask(approversNow, { approval_id: id })).people.map(
      ({ user_id }) => user_id,
    );
    expect(asked).toEqual([lead.principal.user_id, other.principal.user_id]);
    const list = await admin.get('/api/approvals/requests?bypass_review=due');
    expect(list.body.requests).toMatchObject([{ id }]);

    expect((await review(boss, id)).status).toBe(403);
    expect((await review(lead, id)).body).toMatchObject({ bypass_review: 'accepted', status: 'approved' });
    const again = await review(other, id, 'objected');
    expect([again.status, again.body.detail]).toEqual([409, 'somebody accepted already']);
    await vi.waitFor(() => expect(told(approvalBypassReviewed, jobId)).toHaveLength(1));
    expect(told(approvalBypassReviewed, jobId)[0]!.data).toMatchObject({
      verdict: 'accepted',
      by: lead.principal.username,
      comment: 'right so',
    });
    const { comments } = (await admin.get(`/api/approvals/requests/${id}/comments`)).body;
    expect(comments).toMatchObject([{ kind: 'reviewed', comment: 'right so' }]);
    expect((await house.peer.ask(approversNow, { approval_id: id })).people).toEqual([]);
  });

  it('is not possible again while an earlier time should have been looked at, and is told of each day', async () => {
    const first = await pass(boss);
    expect((await showRequest((await pass(boss)).id)).status).toBe('approved');
    house.clock.advanceHours(13);
    const held = await pass(boss);
    expect(await showRequest(held.id)).toMatchObject({ status: 'pending', bypass_review: null });
    await vi.waitFor(() => expect(told(approvalRequired, held.jobId)).toHaveLength(1));
    house.clock.advanceHours(12);
    await vi.waitFor(() =>
      expect(told(approvalBypassed, first.jobId).map(({ data }) => data.number)).toEqual([1, 2]),
    );
    const { requests } = (await admin.get('/api/approvals/requests?bypass_review=due')).body;
    for (const { id } of requests) await review(lead, id, 'objected');
    expect((await showRequest((await pass(boss)).id)).status).toBe('approved');
  });

  it('comes too late where the request is over before anybody hears of it', async () => {
    const { principal } = boss;
    const facts = { user_id: principal.user_id, username: principal.username, bypass };
    const { id, jobId } = await openRequest(house, facts, { expires_at: inHours(-1) });
    expect(await showRequest(id)).toMatchObject({ status: 'expired', bypass_review: null });
    await vi.waitFor(() => expect(told(approvalExpired, jobId)).toHaveLength(1));
  });

  it('passes no secret that takes an approval, and is nothing to look at otherwise', async () => {
    const { id } = await pass(other, {
      secrets_needing_approval: [{ name: 'A', scope: 'global', level: 'lead' }],
    });
    expect((await showRequest(id)).status).toBe('pending');
    const none = await review(boss, id);
    expect([none.status, none.body.detail]).toEqual([409, 'nobody passed this approval']);
    await refusesBadInput(
      admin.post,
      `/api/approvals/requests/${id}/review`,
      { verdict: 'accepted', comment: 'x' },
      [
        ['verdict', { verdict: 'fine', comment: 'x' }],
        ['comment', { verdict: 'accepted', comment: ' ' }],
      ],
    );
  });
});
