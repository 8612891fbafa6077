import {
  auditRecorded,
  ownSecretTaken,
  resolveSecrets,
  secretExpiring,
  secretGlassBroken,
} from '@lineclear/contracts';
import { SealingKey } from '@lineclear/kit';
import { refusesBadInput, type Answer, type Client } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { KeepHouse } from '../src/jobs/keep-house.js';
import { claimRun } from './claim-run.js';
import { openHouse, type SecretsHouse } from './house.js';

const HOUR_MS = 3_600_000;
const REASON = 'production is down and nobody else is here';
const key = new SealingKey();
const BODY = { reason: REASON, public_key: key.publicKey };
let house: SecretsHouse;
let other: Client;

beforeAll(async () => {
  house = await openHouse({ LINECLEAR_SECRETS_BREAK_GLASS_HOURS: '6' });
  other = house.as('admin', { username: 'other' });
});
afterAll(() => house?.close());
afterEach(() => {
  house.clock.laterMs = 0;
});

const set = (name: string, value: string, more: object = {}) =>
  house.admin.post('/api/secrets', { name, value, ...more });
const open = (http: Client, name: string, more: object = {}): Promise<Answer> =>
  http.post(`/api/secrets/${name}/break-glass`, { ...BODY, ...more });
const opened = async ({ body }: Answer): Promise<unknown> => JSON.parse(await key.open(body.box));
const shown = async (name: string): Promise<Record<string, unknown>> =>
  (await house.admin.get(`/api/secrets/${name}`)).body;
const openings = async (http: Client, query = ''): Promise<Record<string, unknown>[]> =>
  (await http.get(`/api/secrets/-/break-glass${query}`)).body.openings;
const latestOf = async (name: string) => (await openings(house.admin)).find((one) => one['name'] === name);
const released = async (...names: string[]) => (await house.resolve(...names)).values;

describe('breaking the glass', () => {
  it('gives the value of a secret that takes an approval, sealed, and tells everybody first', async () => {
    await set('PROD', 'value-behind-glass', { requires_approval: true, approval_level: 'admin' });
    const answer = await open(house.admin, 'PROD');
    expect(answer).toMatchObject({ status: 200, body: { name: 'PROD', scope: 'global', version: 1 } });
    expect(JSON.stringify(answer.body)).not.toContain('value-behind-glass');
    expect(await opened(answer)).toEqual({ PROD: 'value-behind-glass' });
    const { must_rotate_by } = answer.body;
    expect(await shown('PROD')).toMatchObject({ must_rotate_by, freshness: 'expiring' });
    const lines = await house.service.database.query(
      `select name, outcome, scope, version from access_log where purpose = 'break_glass'`,
    );
    expect(lines).toEqual([{ name: 'PROD', outcome: 'released', scope: 'global', version: 1 }]);
    const said = { scope: 'global', version: 1, reason: REASON, must_rotate_by };
    await vi.waitFor(() => {
      expect(house.peer.events(secretGlassBroken).map(({ data }) => data)).toContainEqual(
        expect.objectContaining({ ...said, name: 'PROD', by: expect.stringContaining('admin') }),
      );
      expect(house.peer.events(auditRecorded).map(({ data }) => data)).toContainEqual(
        expect.objectContaining({
          action: 'secret.glass_broken',
          target: 'secret/PROD',
          outcome: 'done',
          details: { ...said, opening: answer.body.id },
        }),
      );
    });
    expect(JSON.stringify(house.peer.events(auditRecorded))).not.toContain('value-behind-glass');
  });

  it('is for administrators, in what they look after', async () => {
    const [org, elsewhere] = [
      { id: 71, slug: 'o' },
      { id: 72, slug: 'p' },
    ];
    const teams = [{ id: 711, slug: 't', role: 'member' as const }];
    const permissions = house.folk
      .add('admin')
      .principal.permissions.filter((permission) => permission !== 'org.create');
    const ofOrg = house.as('admin', { org, teams, permissions });
    const owner = house.person('researcher', { org });
    await set('SHARED', 'of the house');
    await set('OF_ORG', 'of the org', { scope: 'org', org: 71 });
    await set('OF_TEAM', 'of the team', { scope: 'team', team: 711 });
    await owner.http.post('/api/secrets', { name: 'OWN', value: 'her own', scope: 'user' });
    const hers = { scope: 'user', user: owner.userId };
    for (const [name, more, value] of [
      ['OF_ORG', { scope: 'org', org: 71 }, 'of the org'],
      ['OF_TEAM', { scope: 'team', team: 711 }, 'of the team'],
      ['OWN', hers, 'her own'],
    ] as const)
      expect(await opened(await open(house.admin, name, more))).toEqual({ [name]: value });
    expect(await opened(await open(ofOrg, 'OF_ORG', { scope: 'org' }))).toEqual({ OF_ORG: 'of the org' });
    expect(await opened(await open(ofOrg, 'OF_TEAM', { scope: 'team' }))).toEqual({ OF_TEAM: 'of the team' });
    const refused: [Client, string, object, number][] = [
      [ofOrg, 'SHARED', {}, 403],
      [ofOrg, 'OWN', hers, 404],
      [ofOrg, 'X', { scope: 'org', org: elsewhere.id }, 404],
      [ofOrg, 'X', { scope: 'team', team: 712 }, 404],
      [house.as('lead', { org }), 'OF_ORG', { scope: 'org' }, 403],
      [owner.http, 'OWN', hers, 403],
      [house.admin, 'NOT_THERE', {}, 404],
    ];
    for (const [http, name, more, status] of refused)
      expect((await open(http, name, more)).status, `${name} ${JSON.stringify(more)}`).toBe(status);
    await vi.waitFor(() =>
      expect(house.peer.events(ownSecretTaken).map(({ data }) => data)).toEqual([
        expect.objectContaining({ user_id: owner.userId, name: 'OWN', reason: REASON }),
      ]),
    );
    // Whose secret it is sees that it was taken; who has nothing to do with it does not.
    expect(await openings(owner.http)).toMatchObject([
      { name: 'OWN', user_id: owner.userId, reason: REASON },
    ]);
    expect((await openings(ofOrg)).map(({ name }) => name)).toEqual([
      'OF_TEAM',
      'OF_ORG',
      'OF_TEAM',
      'OF_ORG',
    ]);
    expect(await openings(house.as('lead'))).toEqual([]);
  });

  it('refuses bad input, and gives nothing', async () => {
    await set('UNTOUCHED', 'x');
    await refusesBadInput(house.admin.post, '/api/secrets/UNTOUCHED/break-glass', BODY, [
      ['reason', { ...BODY, reason: 'too short' }],
      ['reason', { ...BODY, reason: 'x'.repeat(501) }],
      ['reason', { public_key: key.publicKey }],
      ['public_key', { ...BODY, public_key: 'AAAA' }],
      ['user', { ...BODY, user: 7 }],
      ['user', { ...BODY, scope: 'user', user: 0 }],
    ]);
    expect(await shown('UNTOUCHED')).not.toHaveProperty('must_rotate_by');
    expect(await latestOf('UNTOUCHED')).toBeUndefined();
  });
});

describe('a value that was taken', () => {
  it('is given out for as many hours as are set, and then to nobody until it is another one', async () => {
    await set('TAKEN', 'seen');
    const run = await claimRun(house.peer, ['TAKEN'], { user_id: 7 });
    await open(house.admin, 'TAKEN');
    const { body: link } = await house.admin.post('/api/secrets/TAKEN/links', {});
    const question = { names: ['TAKEN'], for: run, public_key: key.publicKey };
    house.clock.laterMs = 6 * HOUR_MS - 60_000;
    expect(await released('TAKEN')).toEqual({ TAKEN: 'seen' });
    house.clock.laterMs = 6 * HOUR_MS + 60_000;
    const why = /TAKEN was taken in an emergency and had to be changed by .*: set a new value/;
    await expect(released('TAKEN')).rejects.toThrow(why);
    await expect(house.peer.ask(resolveSecrets, question)).rejects.toThrow(why);
    expect((await open(house.admin, 'TAKEN')).status).toBe(422);
    const token = String(link.url).split('#')[1];
    expect((await house.admin.post('/api/secrets/-/links/open', { token })).status).toBe(404);
    expect(await shown('TAKEN')).toMatchObject({ freshness: 'expired' });
    await set('TAKEN', 'unseen');
    expect(await released('TAKEN')).toEqual({ TAKEN: 'unseen' });
    expect(await shown('TAKEN')).not.toHaveProperty('must_rotate_by');
  });

  it('stays known as seen: by rollback, set once more, or set anew after a purge', async () => {
    const comeBack: [string, () => Promise<unknown>][] = [
      ['rollback', () => house.admin.post('/api/secrets/SEEN/rollback', { version: 1 })],
      ['set', () => set('SEEN', 'seen-value')],
      [
        'purge',
        async () => {
          await house.admin.delete('/api/secrets/SEEN?purge=true');
          await set('SEEN', 'seen-value');
        },
      ],
    ];
    await set('SEEN', 'seen-value');
    const { must_rotate_by } = (await open(house.admin, 'SEEN')).body;
    for (const [how, back] of comeBack) {
      await back();
      expect(await shown('SEEN'), how).toMatchObject({ must_rotate_by });
      expect(await latestOf('SEEN'), how).toMatchObject({ rotated: false });
      await set('SEEN', `other after ${how}`);
      expect(await shown('SEEN'), how).not.toHaveProperty('must_rotate_by');
      expect(await latestOf('SEEN'), how).toMatchObject({ rotated: true });
      await back();
      expect(await shown('SEEN'), `${how}, later`).toMatchObject({ must_rotate_by });
    }
  });

  it('gets no more time by being taken again', async () => {
    await set('TWICE', 'x');
    const { must_rotate_by } = (await open(house.admin, 'TWICE')).body;
    house.clock.laterMs = 3 * HOUR_MS;
    expect((await open(other, 'TWICE')).body).toMatchObject({ must_rotate_by });
  });

  it('is told of once more when half of its time is gone, and no more when it was changed', async () => {
    for (const name of ['REMIND', 'CHANGED']) {
      await set(name, `x of ${name}`);
      await open(house.admin, name);
    }
    await set('CHANGED', 'y');
    const keepHouse = house.service.app.get(KeepHouse);
    const told = (name: string) =>
      house.peer.events(secretExpiring).filter(({ data }) => data.name === name).length;
    house.clock.laterMs = 3 * HOUR_MS - 60_000;
    await keepHouse.process();
    expect(told('REMIND')).toBe(0);
    house.clock.laterMs = 3 * HOUR_MS + 60_000;
    await keepHouse.process();
    await keepHouse.process();
    await vi.waitFor(() => expect(told('REMIND')).toBe(1));
    expect(told('CHANGED')).toBe(0);
    const { data } = house.peer.events(secretExpiring).find((one) => one.data.name === 'REMIND')!;
    expect(data.expires_at).toBe((await shown('REMIND'))['must_rotate_by']);
  });
});

describe('a review', () => {
  const review = (http: Client, id: unknown, note = 'talked to them, it was needed') =>
    http.post(`/api/secrets/-/break-glass/${String(id)}/review`, { note });

  it('is by somebody else, once, and is kept with the opening', async () => {
    await set('REVIEWED', 'x');
    const { id } = (await open(house.admin, 'REVIEWED')).body;
    expect((await review(house.admin, id)).status).toBe(403);
    expect((await review(house.as('lead'), id)).status).toBe(403);
    const outsider = house.as('admin', {
      org: { id: 73, slug: 'q' },
      permissions: ['admin.config', 'job.submit'],
    });
    expect((await review(outsider, id)).status).toBe(404);
    expect((await review(other, id)).status).toBe(204);
    expect((await review(other, id)).status).toBe(409);
    expect((await review(other, 999_999)).status).toBe(404);
    await refusesBadInput(other.post, `/api/secrets/-/break-glass/${id}/review`, { note: REASON }, [
      ['note', { note: 'short' }],
      ['note', {}],
    ]);
    expect(await latestOf('REVIEWED')).toMatchObject({
      reviewed: { by: 'other', note: 'talked to them, it was needed', at: expect.any(String) },
    });
    expect((await openings(house.admin, '?unreviewed=true')).map((one) => one['id'])).not.toContain(id);
    await vi.waitFor(() =>
      expect(house.peer.events(auditRecorded).map(({ data }) => data)).toContainEqual(
        expect.objectContaining({ action: 'secret.glass_reviewed', target: 'secret/REVIEWED' }),
      ),
    );
  });

  it('has all openings before it, page by page', async () => {
    await set('PAGED', 'x');
    for (let n = 0; n < 3; n += 1) await open(house.admin, 'PAGED');
    const all = await openings(house.admin);
    const pages: unknown[] = [];
    let cursor = '';
    do {
      const { body } = await house.admin.get(`/api/secrets/-/break-glass?limit=2${cursor}`);
      expect(body.total).toBe(all.length);
      pages.push(...body.openings);
      cursor = body.next_cursor === undefined ? '' : `&cursor=${body.next_cursor}`;
    } while (cursor !== '');
    expect(pages).toEqual(all);
  });
});
