import { resolveSecrets, secretChanged, secretExpiring, secretStale } from '@lineclear/contracts';
import { SealingKey } from '@lineclear/kit';
import { refusesBadInput, type Client } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { KeepHouse } from '../src/jobs/keep-house.js';
import { openHouse, type SecretsHouse } from './house.js';

const DAY_MS = 86_400_000;
let house: SecretsHouse;
let admin: Client;

beforeAll(async () => {
  house = await openHouse({
    LINECLEAR_SECRETS_KEEP_VERSIONS: '5',
    LINECLEAR_SECRETS_UNDELETE_DAYS: '7',
  });
  admin = house.as('admin');
});
afterAll(() => house?.close());
afterEach(() => {
  house.clock.laterMs = 0;
});

const set = (name: string, value: string, more: object = {}) =>
  admin.post('/api/secrets', { name, value, ...more });
/** What a provider gets: the values as they are handed out. */
async function released(...names: string[]): Promise<Record<string, string> | string[]> {
  const key = new SealingKey();
  const { box, missing } = await house.peer.ask(resolveSecrets, {
    names,
    for: { purpose: 'provider', provider: 'p' },
    public_key: key.publicKey,
  });
  return box ? JSON.parse(await key.open(box)) : missing;
}
const rows = () => house.service.database.query('select * from secrets order by id');

describe('versions', () => {
  it('are kept, listed without values, and taken up again as the newest one', async () => {
    for (const value of ['one', 'two', 'one']) await set('KEPT', value);
    const { body } = await admin.get('/api/secrets/KEPT/versions');
    expect(body).toMatchObject({
      name: 'KEPT',
      current_version: 3,
      versions: [
        { version: 3, created_by: expect.any(Number), is_same_as_current: true },
        { version: 2, is_same_as_current: false },
        { version: 1, is_same_as_current: true },
      ],
    });
    expect(JSON.stringify(body)).not.toContain('one');
    const back = await admin.post('/api/secrets/KEPT/rollback', { version: 2 });
    expect(back).toMatchObject({ status: 201, body: { name: 'KEPT', scope: 'global', version: 4 } });
    expect(await released('KEPT')).toEqual({ KEPT: 'two' });
    const { changes } = (await admin.get('/api/secrets/KEPT/history')).body;
    expect(changes[0]).toMatchObject({ kind: 'set', version: 4, of_version: 2 });
    expect(changes).toHaveLength(4);
  });

  it('are forgotten beyond the newest five, and cannot be had back then', async () => {
    for (let n = 1; n <= 7; n += 1) await set('MANY', `value ${n}`);
    const { versions } = (await admin.get('/api/secrets/MANY/versions')).body;
    expect(versions.map(({ version }: { version: number }) => version)).toEqual([7, 6, 5, 4, 3]);
    expect((await admin.post('/api/secrets/MANY/rollback', { version: 2 })).status).toBe(409);
    expect((await admin.post('/api/secrets/MANY/rollback', { version: 7 })).status).toBe(409);
    expect(await released('MANY')).toEqual({ MANY: 'value 7' });
  });

  it('are set only on the one that the caller knows, however many try at once', async () => {
    const firsts = await Promise.all(
      Array.from({ length: 10 }, (_, n) => set('CAS', `first ${n}`, { expected_version: 0 })),
    );
    expect(firsts.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(firsts.filter(({ status }) => status === 409)).toHaveLength(9);
    expect((await set('CAS', 'second', { expected_version: 1 })).body.version).toBe(2);
    expect((await set('CAS', 'late', { expected_version: 1 })).status).toBe(409);
    expect(await released('CAS')).toEqual({ CAS: 'second' });
  });
});

describe('a removed secret', () => {
  it('is handed to nobody, listed apart, and comes back as it was', async () => {
    await set('GONE', 'still here', { description: 'of the team' });
    expect((await admin.delete('/api/secrets/GONE')).status).toBe(204);
    expect((await admin.delete('/api/secrets/GONE')).status).toBe(404);
    expect((await admin.get('/api/secrets/GONE')).status).toBe(404);
    expect(await released('GONE')).toEqual(['GONE']);
    const listed = async (query: string) =>
      (await admin.get(`/api/secrets?${query}`)).body.secrets.map(({ name }: { name: string }) => name);
    expect(await listed('removed=true')).toContain('GONE');
    expect(await listed('')).not.toContain('GONE');
    await vi.waitFor(() =>
      expect(
        house.peer
          .events(secretChanged)
          .filter(({ data }) => data.name === 'GONE')
          .at(-1)?.data,
      ).toMatchObject({
        version: 0,
        scope: 'global',
      }),
    );
    expect((await admin.post('/api/secrets/GONE/undelete', {})).body).toEqual({
      name: 'GONE',
      scope: 'global',
      version: 1,
    });
    expect(await released('GONE')).toEqual({ GONE: 'still here' });
    expect((await admin.post('/api/secrets/GONE/undelete', {})).status).toBe(409);
    expect((await admin.get('/api/secrets/GONE')).body.description).toBe('of the team');
  });

  it('goes on with the next version when it is set anew', async () => {
    await set('AGAIN', 'one');
    await admin.delete('/api/secrets/AGAIN');
    expect((await set('AGAIN', 'two', { expected_version: 0 })).body.version).toBe(2);
    expect(await released('AGAIN')).toEqual({ AGAIN: 'two' });
  });

  it('is gone for good after its days, or at once when that is asked for', async () => {
    await set('LATER', 'x');
    await set('AT_ONCE', 'x');
    await admin.delete('/api/secrets/LATER');
    expect((await admin.delete('/api/secrets/AT_ONCE?purge=true')).status).toBe(204);
    expect((await admin.post('/api/secrets/AT_ONCE/undelete', {})).status).toBe(404);
    const keepHouse = house.service.app.get(KeepHouse);
    house.clock.laterMs = 7 * DAY_MS - 60_000;
    await keepHouse.process();
    expect((await admin.get('/api/secrets/LATER/versions')).status).toBe(200);
    house.clock.laterMs = 7 * DAY_MS + 60_000;
    await keepHouse.process();
    expect((await admin.get('/api/secrets/LATER/versions')).status).toBe(404);
  });
});

describe('a value that ends', () => {
  it('is refused from then on, and does not pass for missing', async () => {
    const ends = new Date(Date.now() + DAY_MS).toISOString();
    expect((await set('ENDS', 'x', { expires_at: ends })).status).toBe(201);
    expect(await released('ENDS')).toEqual({ ENDS: 'x' });
    house.clock.laterMs = DAY_MS + 1_000;
    await expect(released('ENDS')).rejects.toThrow(/ENDS ended on/);
    expect((await admin.get('/api/secrets/ENDS')).body).toMatchObject({
      freshness: 'expired',
      expires_at: ends,
    });
    // A new value has no end of its own accord.
    await set('ENDS', 'y');
    expect(await released('ENDS')).toEqual({ ENDS: 'y' });
  });

  it('is told of beforehand, once, as is a value that grows too old', async () => {
    await set('SOON', 'x', { expires_at: new Date(Date.now() + 20 * DAY_MS).toISOString() });
    await set('OLD', 'x');
    const keepHouse = house.service.app.get(KeepHouse);
    const told = () => ({
      expiring: house.peer.events(secretExpiring).filter(({ data }) => data.name === 'SOON').length,
      stale: house.peer.events(secretStale).filter(({ data }) => data.name === 'OLD').length,
    });
    await keepHouse.process();
    expect(told()).toEqual({ expiring: 0, stale: 0 });
    house.clock.laterMs = 7 * DAY_MS;
    await keepHouse.process();
    await keepHouse.process();
    await vi.waitFor(() => expect(told()).toEqual({ expiring: 1, stale: 0 }));
    house.clock.laterMs = 91 * DAY_MS;
    await keepHouse.process();
    await keepHouse.process();
    await vi.waitFor(() => expect(told()).toEqual({ expiring: 1, stale: 1 }));
    expect((await admin.get('/api/secrets/OLD')).body.freshness).toBe('stale');
  });

  it('does not end before it begins', async () => {
    const before = await rows();
    const past = await set('PAST', 'x', { expires_at: '2020-01-01T00:00:00Z' });
    expect(past).toMatchObject({ status: 400, body: { errors: [{ path: 'expires_at' }] } });
    expect(await rows()).toEqual(before);
  });
});

describe('a folder', () => {
  it('goes back to a moment: what changed, what was removed, what was not there', async () => {
    await set('ml.changed', 'then');
    await set('ml.removed', 'then');
    await set('ml.same', 'then');
    await set('other.changed', 'then');
    const then = new Date().toISOString();
    house.clock.laterMs = 60_000;
    await set('ml.changed', 'now');
    await admin.delete('/api/secrets/ml.removed');
    await set('ml.same', 'now');
    await set('ml.same', 'then');
    await set('ml.new', 'now');
    await set('other.changed', 'now');
    const wish = { prefix: 'ml.', at: then };
    const planned = await admin.post('/api/secrets/-/restore', { ...wish, dry_run: true });
    expect(planned.body).toEqual({
      dry_run: true,
      changes: [
        { name: 'ml.changed', step: 'set', version: 1 },
        { name: 'ml.new', step: 'remove' },
        { name: 'ml.removed', step: 'set', version: 1 },
      ],
    });
    expect(await released('ml.changed')).toEqual({ 'ml.changed': 'now' });
    const before = new Date(Date.now() + house.clock.laterMs).toISOString();
    const done = await admin.post('/api/secrets/-/restore', wish);
    expect(done.body).toEqual({ ...planned.body, dry_run: false });
    expect(await released('ml.changed', 'ml.removed', 'ml.same')).toEqual({
      'ml.changed': 'then',
      'ml.removed': 'then',
      'ml.same': 'then',
    });
    expect(await released('ml.new')).toEqual(['ml.new']);
    expect(await released('other.changed')).toEqual({ 'other.changed': 'now' });
    // And the way back from there.
    house.clock.laterMs = 120_000;
    expect((await admin.post('/api/secrets/-/restore', wish)).body.changes).toEqual([]);
    await admin.post('/api/secrets/-/restore', { prefix: 'ml.', at: before });
    expect(await released('ml.changed')).toEqual({ 'ml.changed': 'now' });
  });

  it('stays as it is when a value of then is not kept any more', async () => {
    await set('lost.a', 'then');
    await set('lost.b', 'then');
    const at = new Date(Date.now() + house.clock.laterMs).toISOString();
    house.clock.laterMs = 60_000;
    await set('lost.a', 'now');
    for (let n = 0; n < 6; n += 1) await set('lost.b', `now ${n}`);
    const before = await rows();
    const refused = await admin.post('/api/secrets/-/restore', { prefix: 'lost.', at });
    expect(refused.status).toBe(409);
    expect(refused.body.detail).toContain('lost.b');
    expect(await rows()).toEqual(before);
    const { changes } = (await admin.post('/api/secrets/-/restore', { prefix: 'lost.', at, dry_run: true }))
      .body;
    expect(changes).toContainEqual({ name: 'lost.b', step: 'lost', version: 1 });
  });
});

it('lets nobody at the versions of others, and administrators at those of all', async () => {
  const [ada, bob, viewer] = [house.as('researcher'), house.as('researcher'), house.as('viewer')];
  await ada.post('/api/secrets', { name: 'MINE', value: 'one', scope: 'user' });
  await ada.post('/api/secrets', { name: 'MINE', value: 'two', scope: 'user' });
  expect((await ada.post('/api/secrets/MINE/rollback', { version: 1, scope: 'user' })).status).toBe(201);
  for (const http of [bob, admin])
    expect((await http.post('/api/secrets/MINE/rollback', { version: 1, scope: 'user' })).status).toBe(404);
  for (const [path, body] of [
    ['MINE/rollback', { version: 1 }],
    ['MINE/undelete', {}],
    ['-/restore', { prefix: '', at: new Date().toISOString() }],
    ['-/keys/rotate', undefined],
    ['-/keys/reencrypt', undefined],
  ] as const) {
    for (const http of [ada, viewer])
      expect((await http.post(`/api/secrets/${path}`, body)).status, path).toBe(403);
  }
});

it('refuses what is wrong, names the field, and changes nothing', async () => {
  await set('BAD', 'x');
  const before = await rows();
  const at = new Date().toISOString();
  await refusesBadInput(admin.post, '/api/secrets/BAD/rollback', { version: 1 }, [
    ['version', { version: 0 }],
    ['version', { version: '1' }],
    ['version', {}],
    ['scope', { version: 1, scope: 'everyone' }],
  ]);
  await refusesBadInput(admin.post, '/api/secrets/BAD/undelete', {}, [['scope', { scope: 'everyone' }]]);
  await refusesBadInput(admin.post, '/api/secrets/-/restore', { prefix: '', at }, [
    ['prefix', { prefix: '-x', at }],
    ['prefix', { prefix: '%', at }],
    ['at', { prefix: '', at: 'yesterday' }],
    ['at', { prefix: '', at: '2999-01-01T00:00:00Z' }],
    ['dry_run', { prefix: '', at, dry_run: 'no' }],
  ]);
  await refusesBadInput(admin.post, '/api/secrets', { name: 'X', value: 'x' }, [
    ['expected_version', { name: 'X', value: 'x', expected_version: -1 }],
    ['expires_at', { name: 'X', value: 'x', expires_at: 'soon' }],
  ]);
  expect(await rows()).toEqual(before);
});
