import { principalChanged } from '@lineclear/contracts';
import { expectProblem, refusesBadInput } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { PurgeExpired } from '../src/credentials/purge-expired.js';
import { openAuthHouse, type AuthHouse } from './auth-house.js';

let house: AuthHouse;
const KEYS = '/api/auth/api-keys';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

beforeAll(async () => {
  house = await openAuthHouse();
});
afterAll(() => house?.close());
afterEach(() => {
  house.clock.laterMs = 0;
});

const statusOf = async (token: string): Promise<number> =>
  (await house.key(token).get('/api/auth/me')).status;
const rotated = (id: number): string => `${KEYS}/${id}/rotate`;

it('refuses bad input and strangers, and makes no key then', async () => {
  const { http } = await house.person('viewer');
  const { body } = await http.post(KEYS, { name: 'ci' });
  const other = await house.person('lead');
  const path = rotated(body.key_info.id);
  const before = await house.rows();
  await refusesBadInput(http.post, path, {}, [
    ['overlap_hours', { overlap_hours: -1 }],
    ['overlap_hours', { overlap_hours: 169 }],
    ['overlap_hours', { overlap_hours: 1.5 }],
    ['overlap_hours', { overlap_hours: '24' }],
    ['overlap_hours', { overlap_hours: null }],
  ]);
  for (const id of ['0', 'abc', '2147483648'])
    expectProblem(await http.post(`${KEYS}/${id}/rotate`), id, 'id');
  expect((await http.post(rotated(2_147_483_647))).status).toBe(404);
  expect((await house.anonymous.post(path)).status).toBe(401);
  expect((await other.http.post(path)).status).toBe(404);
  // An admin would get a key that acts as somebody else.
  expect((await house.admin.post(path)).status).toBe(409);
  expect(await house.rows()).toEqual(before);
});

it('puts a key with the same rights in the place of one that works for a day more', async () => {
  const { http, id } = await house.person('researcher');
  const made = await http.post(KEYS, {
    name: 'ci',
    scoped_permissions: ['job.submit'],
    allowed_cidrs: ['127.0.0.0/8'],
  });
  const { status, body, headers } = await http.post(rotated(made.body.key_info.id));
  expect(status).toBe(201);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(body.key).toMatch(/^lc_[\w-]{43}$/);
  expect(body.key_info).toEqual({
    ...made.body.key_info,
    id: expect.any(Number),
    key_prefix: body.key.slice(0, 11),
    created_at: expect.any(String),
  });
  expect(body.replaces).toEqual({
    ...made.body.key_info,
    expires_at: expect.any(String),
    replaced_by: body.key_info.id,
  });
  const overlapMs = Date.parse(body.replaces.expires_at) - Date.parse(body.key_info.created_at);
  expect(overlapMs).toBe(DAY_MS);
  await vi.waitFor(() =>
    expect(house.peer.events(principalChanged).map(({ data }) => data.user_id)).toContain(id),
  );
  expect([await statusOf(made.body.key), await statusOf(body.key)]).toEqual([200, 200]);
  const ids = async (): Promise<number[]> =>
    (await http.get(KEYS)).body.api_keys.map((key: { id: number }) => key.id);
  expect(await ids()).toEqual(expect.arrayContaining([body.key_info.id, body.replaces.id]));

  house.clock.laterMs = DAY_MS + 60_000;
  expect([await statusOf(made.body.key), await statusOf(body.key)]).toEqual([401, 200]);
  expect(await ids()).toContain(body.key_info.id);
  expect(await ids()).not.toContain(body.replaces.id);
  expect((await http.get(KEYS)).body.total).toBe((await ids()).length);
  // What became of it stays known, also when what has expired is thrown away.
  await house.service.app.get(PurgeExpired).purge();
  expect(
    await house.service.database.query('select replaced_by, revoked_at from api_keys where id = $1', [
      body.replaces.id,
    ]),
  ).toEqual([{ replaced_by: body.key_info.id, revoked_at: null }]);
});

it('ends the old key at once without an overlap, and never later than it would have ended', async () => {
  const { http } = await house.person('viewer');
  const one = await http.post(KEYS, { name: 'one' });
  expect((await http.post(rotated(one.body.key_info.id), { overlap_hours: 0 })).status).toBe(201);
  expect(await statusOf(one.body.key)).toBe(401);

  const day = await http.post(KEYS, { name: 'day', expires_days: 1 });
  const { body } = await http.post(rotated(day.body.key_info.id), { overlap_hours: 168 });
  expect(body.replaces.expires_at).toBe(day.body.key_info.expires_at);
});

it('is made once: whoever comes second is told', async () => {
  const { http } = await house.person('viewer');
  const { body } = await http.post(KEYS, { name: 'contested' });
  const path = rotated(body.key_info.id);
  const answers = await Promise.all([1, 2, 3, 4].map(() => http.post(path)));
  expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(['201', '409', '409', '409']);
  expect((await house.key(body.key).post(path)).status).toBe(409);
  const named = await house.service.database.query(
    `select id from api_keys where name = 'contested' and revoked_at is null`,
  );
  expect(named).toHaveLength(2);
  await http.delete(`${KEYS}/${body.key_info.id}`);
  expect((await http.post(path)).status).toBe(404);
});

it('a program renews its own key, with no more than it has and for no longer', async () => {
  const { http } = await house.person('lead');
  const { body } = await http.post(KEYS, {
    name: 'program',
    expires_days: 30,
    scoped_permissions: ['job.view.own'],
    allowed_cidrs: ['127.0.0.1/32'],
  });
  house.clock.laterMs = 10 * DAY_MS;
  const again = await house.key(body.key).post(rotated(body.key_info.id), { overlap_hours: 1 });
  expect(again.status).toBe(201);
  expect(again.body.key_info).toMatchObject({
    scoped_permissions: ['job.view.own'],
    allowed_cidrs: ['127.0.0.1/32'],
    expires_at: body.key_info.expires_at,
  });
  // The chain goes on with the new key.
  const third = await house.key(again.body.key).post(rotated(again.body.key_info.id));
  expect(third.status).toBe(201);
  expect((await house.key(third.body.key).get('/api/auth/me')).body.permissions).toEqual(['job.view.own']);
});

it('lasts as long again when its owner renews it, and not when it is over', async () => {
  const { username } = await house.person('viewer');
  const { http } = await house.login(username);
  const made = await http.post(KEYS, { name: 'month', expires_days: 30 });
  house.clock.laterMs = 12 * HOUR_MS;
  const { body } = await http.post(rotated(made.body.key_info.id));
  expect(Date.parse(body.key_info.expires_at) - Date.parse(body.key_info.created_at)).toBe(30 * DAY_MS);
  const short = await http.post(KEYS, { name: 'short', expires_days: 1 });
  house.clock.laterMs = 0;
  await house.service.database.query('update api_keys set expires_at = created_at where id = $1', [
    short.body.key_info.id,
  ]);
  house.clock.laterMs = 13 * HOUR_MS;
  expect((await http.post(rotated(short.body.key_info.id))).status).toBe(409);
});

it('a narrow key renews none that can do more, today or one day', async () => {
  const { http } = await house.person('viewer');
  const full = await http.post(KEYS, { name: 'full' });
  const wide = await http.post(KEYS, { name: 'wide', scoped_permissions: ['job.view.own', 'config.view'] });
  // Today all three may do the same; but an unscoped key grows with its owner.
  const narrow = house.key(wide.body.key);
  const before = await house.rows();
  expect((await narrow.post(rotated(full.body.key_info.id))).status).toBe(403);
  expect(await house.rows()).toEqual(before);
  expect((await house.key(full.body.key).post(rotated(wide.body.key_info.id))).status).toBe(201);
});
