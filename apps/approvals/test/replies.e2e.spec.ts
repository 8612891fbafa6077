import { randomUUID } from 'node:crypto';
import { hashToken } from '@lineclear/access';
import {
  approvalGranted,
  approvalRejected,
  auditRecorded,
  deciderNow,
  replyHandled,
  replyReceived,
  replyToken,
  type EventData,
  type Level,
} from '@lineclear/contracts';
import { SealingKey } from '@lineclear/kit';
import type { Person } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openHouse, openRequest, type House } from './house.js';

type Reply = EventData<typeof replyReceived>;
type Handled = EventData<typeof replyHandled>;

const ORG = { id: 7, slug: 'seven' };
let house: House;
let lead: Person;
const key = new SealingKey();
/** Who there is for auth, when somebody answers by mail. */
const known = new Map<number, Person>();
const person = (level: Level, more: Parameters<House['folk']['add']>[1] = {}): Person => {
  const added = house.folk.add(level, more);
  known.set(added.principal.user_id, added);
  return added;
};
const answerAsAuth = (): void =>
  house.peer.answer(deciderNow, ({ user_id }) => {
    const found = known.get(user_id)?.principal;
    return { decider: found ? { ...found, reaches: reachesOf(found.level) } : null };
  });
const LEVELS: Level[] = ['viewer', 'researcher', 'lead', 'admin'];
const reachesOf = (level: Level): Level[] => LEVELS.slice(0, LEVELS.indexOf(level) + 1);

beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house?.close());
beforeEach(() => {
  lead = person('lead');
  answerAsAuth();
});

const emailOf = ({ principal }: Person): string => principal.email;

async function tokenFor(id: string, { principal }: Person): Promise<string | undefined> {
  const question = { approval_id: id, user_id: principal.user_id, public_key: key.publicKey };
  const { box } = await house.peer.ask(replyToken, question);
  return box === undefined ? undefined : key.open(box);
}
const tokenOf = async (id: string, who: Person): Promise<string> => (await tokenFor(id, who))!;

const mailOf = (token: string, from: string, more: Partial<Reply> = {}): Reply => ({
  mail_id: randomUUID(),
  token_sha256: hashToken(token),
  from,
  sender: 'dmarc',
  verdict: 'approve',
  ...more,
});
async function answered(reply: Reply): Promise<Handled> {
  await house.peer.publish(replyReceived, reply);
  return handled(reply.mail_id);
}
const handled = (mailId: string): Promise<Handled> =>
  vi.waitFor(() => {
    const told = house.peer.events(replyHandled).find(({ data }) => data.mail_id === mailId);
    expect(told).toBeDefined();
    return told!.data;
  });
const statusOf = async (id: string): Promise<unknown> =>
  (await house.as(house.folk.add('admin')).get(`/api/approvals/requests/${id}`)).body.status;
const auditOf = (id: string, action: string) =>
  vi.waitFor(() => {
    const entry = house.peer
      .events(auditRecorded)
      .findLast(({ data }) => data.target === `approval/${id}` && data.action === action);
    expect(entry).toBeDefined();
    return entry!.data;
  });

describe('the token of an answer', () => {
  it('is new each time, of 160 bits, and kept as a hash alone', async () => {
    const { id } = await openRequest(house);
    const [one, other] = [await tokenOf(id, lead), await tokenOf(id, lead)];
    expect(one).toMatch(/^[a-z2-7]{32}$/);
    expect(other).not.toBe(one);
    const kept = JSON.stringify(
      await house.service.database.query('select t::text from reply_token t where request_id = $1', [id]),
    );
    expect(kept).toContain(hashToken(one));
    expect(kept).not.toContain(one);
  });

  it('is worth nothing once the stage is over that its mail asked about, and given for no mail that is late', async () => {
    const [one, two, three] = [lead, person('lead'), person('lead')];
    const stage = { approvals: 1, levels: ['lead'] };
    const { id } = await openRequest(house, {}, { stages: [stage, stage] });
    const asked = { approval_id: id, user_id: three.principal.user_id, public_key: key.publicKey };
    const [first, early] = [await tokenOf(id, one), await tokenOf(id, two)];
    expect((await answered(mailOf(first, emailOf(one)))).outcome).toBe('counted');
    expect(await answered(mailOf(early, emailOf(two)))).toMatchObject({
      outcome: 'token_spent',
      message: expect.stringContaining('a stage that is over'),
    });
    expect(await house.peer.ask(replyToken, { ...asked, stage: 1, round: 1 })).toEqual({});
    const { box } = await house.peer.ask(replyToken, { ...asked, stage: 2, round: 1 });
    expect((await answered(mailOf(await key.open(box!), emailOf(three)))).outcome).toBe('approved');
  });

  it('is given for no request that nobody waits for, and to no key that cannot be sealed to', async () => {
    const { id } = await openRequest(house);
    await house.as(lead).post(`/api/approvals/requests/${id}/approve`, {});
    expect(await tokenFor(id, lead)).toBeUndefined();
    expect(await tokenFor(randomUUID(), lead)).toBeUndefined();
    const open = await openRequest(house);
    await expect(
      house.peer.ask(replyToken, { approval_id: open.id, user_id: 1, public_key: 'AAAA' }),
    ).rejects.toThrow('public_key');
  });
});

describe('an answer by mail', () => {
  it('approves as its writer, told and recorded as by mail, once', async () => {
    const { id, jobId } = await openRequest(house);
    const token = await tokenOf(id, lead);
    const reply = mailOf(token, emailOf(lead).toUpperCase(), { comment: 'fine' });
    expect(await answered(reply)).toEqual({
      mail_id: reply.mail_id,
      to: reply.from,
      outcome: 'approved',
      message: expect.stringContaining('flux-lora'),
      approval_id: id,
    });
    const { user_id, username } = lead.principal;
    await vi.waitFor(() => {
      const told = house.peer.events(approvalGranted).find(({ data }) => data.job_id === jobId);
      expect(told?.data).toMatchObject({ by_user_id: user_id, by: username, via: 'email', notes: 'fine' });
    });
    expect(await auditOf(id, 'approval.approved')).toMatchObject({
      by: 'person',
      actor: { user_id, username, via: 'email' },
      details: { via: 'email', job_id: jobId },
    });
    // The same mail once more, from another copy: what it held is spent.
    expect((await answered({ ...reply, mail_id: randomUUID() })).outcome).toBe('token_spent');
    expect(house.peer.events(approvalGranted).filter(({ data }) => data.job_id === jobId)).toHaveLength(1);
  });

  it('is handled once, however often it is told', async () => {
    const { id } = await openRequest(house);
    const reply = mailOf(await tokenOf(id, lead), emailOf(lead));
    const eventId = await house.peer.publish(replyReceived, reply);
    for (let n = 0; n < 3; n += 1) await house.peer.publish(replyReceived, reply, { id: eventId });
    await handled(reply.mail_id);
    await house.settled();
    const told = house.peer.events(replyHandled).filter(({ data }) => data.mail_id === reply.mail_id);
    expect(told.map(({ data }) => data.outcome)).toEqual(['approved']);
  });

  it('rejects for the reason it gives, or says that it was by mail', async () => {
    for (const [comment, reason] of [
      ['too dear', 'too dear'],
      [undefined, 'rejected by mail'],
    ] as const) {
      const { id, jobId } = await openRequest(house);
      const reply = mailOf(await tokenOf(id, lead), emailOf(lead), { verdict: 'reject', comment });
      expect((await answered(reply)).outcome).toBe('rejected');
      await vi.waitFor(() => {
        const told = house.peer.events(approvalRejected).find(({ data }) => data.job_id === jobId);
        expect(told?.data).toMatchObject({ reason, via: 'email' });
      });
    }
  });

  it('that is not understood decides nothing, and can be given again', async () => {
    const { id } = await openRequest(house);
    const token = await tokenOf(id, lead);
    const vague = mailOf(token, emailOf(lead), { verdict: 'unclear', why: 'the first line is no verb' });
    const told = await answered(vague);
    expect(told).toMatchObject({ outcome: 'unclear', message: expect.stringContaining('no verb') });
    expect(await statusOf(id)).toBe('pending');
    expect((await answered(mailOf(token, emailOf(lead)))).outcome).toBe('approved');
  });

  it('takes any token of its writer while the request waits, and none after', async () => {
    const { id } = await openRequest(house);
    const other = person('admin');
    const [first, second, theirs] = [
      await tokenOf(id, lead),
      await tokenOf(id, lead),
      await tokenOf(id, other),
    ];
    expect((await answered(mailOf(first, emailOf(lead)))).outcome).toBe('approved');
    for (const [token, who] of [
      [second, lead],
      [theirs, other],
    ] as const) {
      const told = await answered(mailOf(token, emailOf(who), { verdict: 'reject' }));
      expect(told).toMatchObject({ outcome: 'closed', message: expect.stringContaining('approved already') });
    }
    expect(await statusOf(id)).toBe('approved');
    const { actor, details } = await auditOf(id, 'approval.reply_refused');
    expect(actor).toMatchObject({ user_id: other.principal.user_id, via: 'email' });
    expect(details).toMatchObject({ why: 'closed' });
  });

  it('is too late after a day, however long the request waits, and when the request is over', async () => {
    const long = await openRequest(house, {}, { expires_at: later(72) });
    const short = await openRequest(house, {}, { expires_at: later(1) });
    const [ofLong, ofShort] = [await tokenOf(long.id, lead), await tokenOf(short.id, lead)];
    const cancelled = await openRequest(house);
    const ofCancelled = await tokenOf(cancelled.id, lead);
    await house.as(lead).post(`/api/approvals/requests/${cancelled.id}/cancel`, {});
    expect((await answered(mailOf(ofCancelled, emailOf(lead)))).outcome).toBe('closed');
    house.clock.advanceHours(2);
    expect((await answered(mailOf(ofShort, emailOf(lead)))).outcome).toBe('token_spent');
    house.clock.advanceHours(23);
    expect((await answered(mailOf(ofLong, emailOf(lead)))).outcome).toBe('token_spent');
    expect(await statusOf(long.id)).toBe('pending');
    // A month later nobody knows of it any more.
    house.clock.advanceHours(31 * 24);
    await vi.waitFor(async () => expect(await tokensOf(long.id)).toEqual([]));
    expect(await answered(mailOf(ofLong, emailOf(lead)))).not.toHaveProperty('approval_id');
  });
});

const later = (hours: number): string =>
  new Date(house.clock.now().getTime() + hours * 3_600_000).toISOString();
const tokensOf = (id: string) =>
  house.service.database.query('select from reply_token where request_id = $1', [id]);

describe('nobody decides by mail', () => {
  it('without a token, or without proof of who they are', async () => {
    const { id } = await openRequest(house);
    const unknown = await answered(mailOf('a'.repeat(32), emailOf(lead)));
    expect(unknown.outcome).toBe('token_unknown');
    expect(unknown).not.toHaveProperty('approval_id');
    const token = await tokenOf(id, lead);
    expect((await answered(mailOf(token, emailOf(lead), { sender: 'unproven' }))).outcome).toBe('unproven');
    expect(await auditOf(id, 'approval.reply_refused')).toMatchObject({
      outcome: 'refused',
      by: 'system',
      details: { why: 'unproven' },
    });
    expect(await statusOf(id)).toBe('pending');
    expect((await answered(mailOf(token, emailOf(lead), { sender: 'trusted_relay' }))).outcome).toBe(
      'approved',
    );
  });

  it('with the token of somebody else, whoever they are', async () => {
    const { id } = await openRequest(house);
    const token = await tokenOf(id, lead);
    for (const thief of [emailOf(person('admin')), emailOf(lead).replace('lineclear', 'evil')]) {
      const told = await answered(mailOf(token, thief));
      expect(told).toMatchObject({ to: thief, outcome: 'not_the_approver' });
      expect(told.message).not.toMatch(/flux|ada/);
      expect(await auditOf(id, 'approval.reply_refused')).toMatchObject({
        outcome: 'refused',
        by: 'system',
        details: { why: 'not_the_approver', from: thief, asked_user_id: lead.principal.user_id },
      });
    }
    expect(await statusOf(id)).toBe('pending');
    // It is as good as before for whom it is.
    expect((await answered(mailOf(token, emailOf(lead)))).outcome).toBe('approved');
  });

  it('who may not decide it now: their own, above their level, of another organisation, or without the right', async () => {
    const own = await openRequest(house, { user_id: lead.principal.user_id });
    const higher = await openRequest(house, {}, { required_level: 'admin' });
    const elsewhere = await openRequest(house, { org_id: ORG.id });
    const withoutRight = person('lead', { permissions: ['job.submit'] });
    const denied = await openRequest(house);
    for (const [{ id }, who] of [
      [own, lead],
      [higher, lead],
      [elsewhere, lead],
      [denied, withoutRight],
    ] as const) {
      const told = await answered(mailOf(await tokenOf(id, who), emailOf(who)));
      expect(told.outcome).toBe('not_allowed');
      expect(await auditOf(id, 'approval.reply_refused')).toMatchObject({
        by: 'person',
        actor: { user_id: who.principal.user_id, via: 'email' },
      });
      expect(await statusOf(id)).toBe('pending');
    }
    const ofOrg = person('lead', { org: ORG });
    expect((await answered(mailOf(await tokenOf(elsewhere.id, ofOrg), emailOf(ofOrg)))).outcome).toBe(
      'approved',
    );
  });

  it('who is not there any more, and while auth is away the answer waits', async () => {
    const gone = person('lead');
    const [one, other] = [await openRequest(house), await openRequest(house)];
    const [ofGone, ofLead] = [await tokenOf(one.id, gone), await tokenOf(other.id, lead)];
    known.delete(gone.principal.user_id);
    house.peer.stopAnswering(deciderNow);
    const [dead, good] = [mailOf(ofGone, emailOf(gone)), mailOf(ofLead, emailOf(lead))];
    await house.peer.publish(replyReceived, dead);
    await house.peer.publish(replyReceived, good);
    expect(await statusOf(other.id)).toBe('pending');
    answerAsAuth();
    expect((await handled(good.mail_id)).outcome).toBe('approved');
    expect((await handled(dead.mail_id)).outcome).toBe('not_the_approver');
    expect(await statusOf(one.id)).toBe('pending');
  });
});

it('of many answers at once, on two replicas and beside a call, one decides', async () => {
  const other = await house.boot();
  try {
    for (let round = 0; round < 5; round += 1) {
      const { id, jobId } = await openRequest(house);
      const people = Array.from({ length: 4 }, () => person('lead'));
      const replies = await Promise.all(
        people.flatMap((who) =>
          [0, 1].map(async (n) =>
            mailOf(await tokenOf(id, who), emailOf(who), { verdict: n === 0 ? 'approve' : 'reject' }),
          ),
        ),
      );
      // Each also a second time, as another copy of the same mail.
      const copies = replies.map((reply) => ({ ...reply, mail_id: randomUUID() }));
      await Promise.all([
        ...[...replies, ...copies].map((reply) => house.peer.publish(replyReceived, reply)),
        house.as(lead).post(`/api/approvals/requests/${id}/approve`, {}),
      ]);
      const outcomes = await Promise.all(
        [...replies, ...copies].map(async ({ mail_id }) => (await handled(mail_id)).outcome),
      );
      const byMail = outcomes.filter((one) => one === 'approved' || one === 'rejected').length;
      const decided = [...house.peer.events(approvalGranted), ...house.peer.events(approvalRejected)].filter(
        ({ data }) => data.job_id === jobId,
      );
      expect(decided).toHaveLength(1);
      expect(byMail).toBe(decided[0]!.data.via === 'email' ? 1 : 0);
    }
  } finally {
    await other.close();
  }
});
