import { randomUUID } from 'node:crypto';
import {
  approvalEscalated,
  approversFor,
  approversNow,
  approverUnreached,
  auditRecorded,
  deciderNow,
  MAX_APPROVERS,
  replyToken,
  type EventOf,
} from '@lineclear/contracts';
import { hashToken } from '@lineclear/access';
import { SealingKey } from '@lineclear/kit';
import { refusesBadInput, type Client, type Person } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openHouse, openRequest, type House } from './house.js';

const SETTINGS = '/api/approvals/settings';
const MINE = '/api/approvals/me/absences';
const STAGE_OF_TEAM = [{ approvals: 1, levels: ['lead'], team_id: 4 }];
let house: House;
let admin: Client;
let [one, two, boss]: Person[] = [];
let all: Person[];
/** Who may approve, and is not asked. */
let others: Person[] = [];

const who = ({ principal: { user_id, username, email } }: Person) => ({ user_id, username, email });
const idOf = (person: Person | undefined): number => person!.principal.user_id;

beforeAll(async () => {
  house = await openHouse();
  const { folk } = house;
  [one, two, boss] = [folk.add('lead'), folk.add('lead'), folk.add('admin')];
  all = [one, two, boss];
  admin = house.as(boss);
  house.peer.answer(approversFor, ({ levels }) => ({
    people: all
      .filter(({ principal }) => levels.every((l) => principal.reaches.includes(l)))
      .slice(0, MAX_APPROVERS)
      .map(who),
  }));
  house.peer.answer(deciderNow, ({ user_id }) => ({
    decider: [...all, ...others].find((person) => idOf(person) === user_id)?.principal ?? null,
  }));
});
afterAll(async () => house?.close());
beforeEach(async () => {
  await admin.put(SETTINGS, { escalation: [], fallback_user_ids: [] });
  await house.service.database.query('delete from absence');
});

const askedNow = async (id: string): Promise<number[]> =>
  (await house.peer.ask(approversNow, { approval_id: id })).people.map(({ user_id }) => user_id);
const escalated = (id: string): EventOf<typeof approvalEscalated>[] =>
  house.peer.events(approvalEscalated).filter(({ data }) => data.approval_id === id);
const inHours = (hours: number): string =>
  new Date(house.clock.now().getTime() + hours * 3_600_000).toISOString();
const path = (id: string, verb = ''): string => `/api/approvals/requests/${id}${verb && `/${verb}`}`;

describe('somebody who is away', () => {
  it('is not asked, and who stands in for them is, and decides as they would', async () => {
    const { id } = await openRequest(house, {}, { required_level: 'admin' });
    expect(await askedNow(id)).toEqual([idOf(boss)]);
    expect((await house.as(one!).post(path(id, 'approve'))).status).toBe(403);

    const added = await admin.post(MINE, { ends_at: inHours(48), stand_in_id: idOf(one), reason: 'leave' });
    expect(added.status).toBe(201);
    expect(added.body).toMatchObject({
      user_id: idOf(boss),
      stand_in: one!.principal.username,
      source: 'own',
      reason: 'leave',
    });
    expect((await house.as(two!).get('/api/approvals/absences')).body.absences).toEqual([added.body]);
    expect(await askedNow(id)).toEqual([idOf(one)]);
    expect((await house.as(two!).post(path(id, 'approve'))).status).toBe(403);
    const { status, body } = await house.as(one!).post(path(id, 'approve'));
    expect([status, body.status, body.votes]).toEqual([
      200,
      'approved',
      [
        expect.objectContaining({
          user_id: idOf(one),
          in_place_of: { user_id: idOf(boss), username: boss!.principal.username },
        }),
      ],
    ]);
  });

  it('is asked before they leave and when they are back, and may decide meanwhile', async () => {
    const { id } = await openRequest(house);
    await house.as(one!).post(MINE, { starts_at: inHours(1), ends_at: inHours(3) });
    expect(await askedNow(id)).toContain(idOf(one));
    house.clock.advanceHours(2);
    expect(await askedNow(id)).toEqual([idOf(two), idOf(boss)]);
    house.clock.advanceHours(2);
    expect(await askedNow(id)).toContain(idOf(one));
    await house.as(one!).post(MINE, { ends_at: inHours(3) });
    expect((await house.as(one!).post(path(id, 'approve'))).body.status).toBe('approved');
  });

  it('gives nobody a second word, and none on what they ask for themselves', async () => {
    await admin.post(MINE, { ends_at: inHours(3), stand_in_id: idOf(one) });
    const own = await openRequest(house, { user_id: idOf(boss) }, { required_level: 'admin' });
    expect((await house.as(one!).post(path(own.id, 'approve'))).status).toBe(403);
    const stages = [{ approvals: 2, levels: ['lead'] }];
    const { id } = await openRequest(house, {}, { stages });
    expect((await house.as(one!).post(path(id, 'approve'))).body.status).toBe('pending');
    expect((await house.as(one!).post(path(id, 'approve'))).status).toBe(403);
    const admins = [{ approvals: 2, levels: ['admin'] }];
    const high = await openRequest(house, {}, { stages: admins, required_level: 'admin' });
    expect((await house.as(one!).post(path(high.id, 'approve'))).body.status).toBe('pending');
    const back = await admin.post(path(high.id, 'approve'));
    expect([back.status, back.body.detail]).toEqual([
      403,
      'you decided on this request already: others are needed',
    ]);
  });

  it('has somebody stand in, though another absence at the same time names nobody', async () => {
    await house.as(one!).post(MINE, { ends_at: inHours(3), stand_in_id: idOf(boss) });
    await house.as(one!).post(MINE, { ends_at: inHours(2) });
    await house.as(two!).post(MINE, { ends_at: inHours(3) });
    all = [one!, two!];
    others = [boss!];
    const { id } = await openRequest(house);
    expect(await askedNow(id)).toEqual([idOf(boss)]);
    all = [one!, two!, boss!];
    others = [];
  });

  it('takes it back, and nobody else does', async () => {
    const { body } = await house.as(one!).post(MINE, { ends_at: inHours(3) });
    expect((await house.as(two!).delete(`${MINE}/${body.id}`)).status).toBe(404);
    expect((await house.as(one!).get(MINE)).body.absences).toHaveLength(1);
    expect((await house.as(one!).delete(`${MINE}/${body.id}`)).status).toBe(204);
    expect((await house.as(one!).get(MINE)).body.absences).toEqual([]);
    const actions = () => house.peer.events(auditRecorded).map(({ data }) => data.action);
    await vi.waitFor(() =>
      expect(actions()).toEqual(expect.arrayContaining(['absence.added', 'absence.removed'])),
    );
  });

  it('says so with a time and a person that can be', async () => {
    const good = { ends_at: inHours(3) };
    await refusesBadInput(house.as(one!).post, MINE, good, [
      ['ends_at', {}],
      ['ends_at', { ends_at: 'tomorrow' }],
      ['ends_at', { ends_at: inHours(-1) }],
      ['ends_at', { starts_at: inHours(5), ends_at: inHours(4) }],
      ['ends_at', { ends_at: inHours(91 * 24) }],
      ['stand_in_id', { ...good, stand_in_id: idOf(one) }],
      ['stand_in_id', { ...good, stand_in_id: 4_711 }],
    ]);
    for (let n = 0; n < 20; n += 1) await house.as(two!).post(MINE, good);
    const more = await house.as(two!).post(MINE, good);
    expect([more.status, more.body.detail]).toEqual([409, 'you have 20 absences: remove one first']);
    expect((await house.as(house.folk.add('researcher')).post(MINE, good)).status).toBe(403);
  });
});

describe('a request that nobody decides', () => {
  it('goes on to the next circle of people, who are asked then and not before', async () => {
    const escalation = [{ after_hours: 2, level: 'admin' }];
    expect((await admin.put(SETTINGS, { escalation })).body).toMatchObject({ escalation, combine: 'first' });
    const { id } = await openRequest(house);
    expect(await askedNow(id)).toEqual([idOf(one), idOf(two)]);
    house.clock.advanceHours(2.1);
    await vi.waitFor(() => expect(escalated(id)).toHaveLength(1));
    expect(escalated(id)[0]!.data).toMatchObject({
      cause: 'time',
      ask: [idOf(boss)],
      required_level: 'lead',
    });
    expect(await askedNow(id)).toEqual([idOf(one), idOf(two), idOf(boss)]);
  });

  it('goes on to them, however many were asked before', async () => {
    await admin.put(SETTINGS, { escalation: [{ after_hours: 2, level: 'admin' }] });
    const many = Array.from({ length: MAX_APPROVERS }, () => house.folk.add('lead'));
    all = [...many, boss!];
    const { id } = await openRequest(house);
    expect(await askedNow(id)).toEqual(many.map(idOf));
    house.clock.advanceHours(2.1);
    await vi.waitFor(() => expect(escalated(id)).toHaveLength(1));
    const { ask } = escalated(id)[0]!.data;
    expect(ask).toEqual([idOf(boss)]);
    expect(await askedNow(id)).toEqual(expect.arrayContaining(ask));
    all = [one!, two!, boss!];
  });

  it('goes to those who are for the rest, where nobody else is there', async () => {
    const fallback_user_ids = [idOf(two)];
    await admin.put(SETTINGS, { fallback_user_ids });
    all = [one!, two!];
    for (const person of [one!]) await house.as(person).post(MINE, { ends_at: inHours(3) });
    await house.as(two!).post(MINE, { ends_at: inHours(3) });
    const { id } = await openRequest(house, {}, { stages: STAGE_OF_TEAM });
    // Everybody is away: somebody has to hear of it.
    expect(await askedNow(id)).toEqual([idOf(one), idOf(two)]);
    await house.service.database.query('delete from absence where user_id = $1', [idOf(two)]);
    expect(await askedNow(id)).toEqual([idOf(two)]);
    expect((await house.as(one!).post(path(id, 'approve'))).status).toBe(403);
    expect((await house.as(two!).post(path(id, 'approve'))).body.status).toBe('approved');
    all = [one!, two!, boss!];
  });

  it('goes to none of them who could not decide it, while others could', async () => {
    await admin.put(SETTINGS, { fallback_user_ids: [idOf(two)] });
    await admin.post(MINE, { ends_at: inHours(3) });
    const { id } = await openRequest(house, {}, { required_level: 'admin' });
    expect(await askedNow(id)).toEqual([idOf(boss)]);
  });

  it('goes on as can be, and is set by who configures the house', async () => {
    await refusesBadInput(admin.put, SETTINGS, { combine: 'first' }, [
      ['combine', {}],
      [
        'escalation',
        {
          escalation: [
            { after_hours: 2, level: 'lead' },
            { after_hours: 1, level: 'admin' },
          ],
        },
      ],
      ['escalation.0.level', { escalation: [{ after_hours: 2, level: 'no_such_level' }] }],
      ['escalation.0.after_hours', { escalation: [{ after_hours: 0, level: 'admin' }] }],
      ['fallback_user_ids', { fallback_user_ids: [1, 1] }],
      ['fallback_user_ids.0', { fallback_user_ids: [4_711] }],
    ]);
    expect((await house.as(one!).put(SETTINGS, { escalation: [] })).status).toBe(403);
  });
});

describe('somebody of another organisation', () => {
  const [acme, globex] = [1, 2];
  let ofAcme: Person;
  let ofGlobex: Person;
  beforeAll(() => {
    const team = { teams: [{ id: 4, slug: 'vision', role: 'member' as const }] };
    ofAcme = house.folk.add('lead', { org: { id: acme, slug: 'acme' }, ...team });
    ofGlobex = house.folk.add('lead', { org: { id: globex, slug: 'globex' } });
    all = [ofAcme];
    others = [ofGlobex, boss!];
  });
  afterAll(() => {
    all = [one!, two!, boss!];
    others = [];
  });

  it('stands in for nobody on what they may not know of, nor in what the other could not decide', async () => {
    const good = { ends_at: inHours(3) };
    await refusesBadInput(house.as(ofAcme).post, MINE, good, [
      ['stand_in_id', { ...good, stand_in_id: idOf(ofGlobex) }],
    ]);
    // Who was of the same one when they were named.
    await house.as(ofAcme).post(MINE, { ...good, stand_in_id: idOf(boss) });
    await house.service.database.query('update absence set stand_in_id = $1', [idOf(ofGlobex)]);
    const { id } = await openRequest(house, { org_id: acme });
    expect(await askedNow(id)).toEqual([idOf(ofAcme)]);
    const other = await openRequest(house, { org_id: globex }, { stages: STAGE_OF_TEAM });
    expect((await house.as(ofGlobex).post(path(other.id, 'approve'))).status).toBe(403);
  });

  it('learns nothing of who is away here', async () => {
    await house.as(ofAcme).post(MINE, { ends_at: inHours(3), reason: 'ill' });
    await house.as(one!).post(MINE, { ends_at: inHours(3) });
    const seenBy = async (person: Person): Promise<number[]> =>
      (await house.as(person).get('/api/approvals/absences')).body.absences.map(
        ({ user_id }: { user_id: number }) => user_id,
      );
    expect(await seenBy(ofAcme)).toEqual([idOf(ofAcme)]);
    expect(await seenBy(ofGlobex)).toEqual([]);
    expect(await seenBy(two!)).toEqual([idOf(one)]);
    expect(await seenBy(boss!)).toEqual([idOf(ofAcme), idOf(one)]);
  });

  it('is not for the rest of what they may not know of', async () => {
    all = [];
    await admin.put(SETTINGS, { fallback_user_ids: [idOf(ofGlobex)] });
    const { id } = await openRequest(house, { org_id: acme });
    expect(await askedNow(id)).toEqual([]);
    const own = await openRequest(house, { org_id: globex });
    expect(await askedNow(own.id)).toEqual([idOf(ofGlobex)]);
  });
});

describe('whom a mail does not reach', () => {
  const tokenOf = async (id: string, person: Person): Promise<string> => {
    const key = new SealingKey();
    const question = { approval_id: id, user_id: idOf(person), public_key: key.publicKey };
    const { box } = await house.peer.ask(replyToken, question);
    return hashToken(await key.open(box!));
  };
  const unreached = async (token_sha256: string, why: 'bounced' | 'away'): Promise<void> => {
    await house.peer.publish(approverUnreached, { mail_id: randomUUID(), token_sha256, why, detail: 'gone' });
    await house.settled();
  };

  it('counts as away for a while, and others are asked', async () => {
    await admin.put(SETTINGS, { escalation: [{ after_hours: 20, level: 'admin' }] });
    const { id } = await openRequest(house);
    await unreached(await tokenOf(id, one!), 'away');
    expect(await askedNow(id)).toEqual([idOf(two)]);
    expect(escalated(id)).toEqual([]);
    await unreached(await tokenOf(id, two!), 'bounced');
    await vi.waitFor(() => expect(escalated(id)).toHaveLength(1));
    expect(escalated(id)[0]!.data).toMatchObject({ cause: 'unreached', ask: [idOf(boss)] });
    const { absences } = (await admin.get('/api/approvals/absences')).body;
    expect(absences).toMatchObject([
      { user_id: idOf(one), source: 'auto_reply', reason: 'gone' },
      { user_id: idOf(two), source: 'bounced' },
    ]);
    // Said again, it holds for longer and is one.
    await unreached(await tokenOf(id, one!), 'away');
    expect((await admin.get('/api/approvals/absences')).body.absences).toHaveLength(2);
    house.clock.advanceHours(25);
    const later = await openRequest(house);
    expect(await askedNow(later.id)).toEqual([idOf(one)]);
    house.clock.advanceHours(7 * 24);
    expect(await askedNow((await openRequest(house)).id)).toEqual([idOf(one), idOf(two)]);
  });

  it('is there again once they decide something, whatever their mail said', async () => {
    const [{ id }, other] = [await openRequest(house), await openRequest(house)];
    await unreached(await tokenOf(id, one!), 'away');
    expect(await askedNow(other.id)).not.toContain(idOf(one));
    await house.as(one!).post(path(id, 'approve'));
    expect(await askedNow(other.id)).toContain(idOf(one));
  });

  it('is nobody whom no mail was sent to, and nobody is asked about what is decided', async () => {
    await unreached('a'.repeat(64), 'bounced');
    expect((await admin.get('/api/approvals/absences')).body.absences).toEqual([]);
    const { id } = await openRequest(house);
    const token = await tokenOf(id, one!);
    await house.as(two!).post(path(id, 'approve'));
    await unreached(token, 'bounced');
    expect(escalated(id)).toEqual([]);
  });
});
