import { principalChanged } from '@lineclear/contracts';
import { expectProblem, refusesBadInput } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { openAuthHouse, type AuthHouse } from './auth-house.js';

let house: AuthHouse;
const KEYS = '/api/auth/api-keys';

beforeAll(async () => {
  house = await openAuthHouse();
});
afterAll(() => house?.close());
afterEach(() => {
  house.clock.laterMs = 0;
});

it('refuses bad input, strangers, and scopes beyond the caller', async () => {
  const { http } = await house.person('researcher');
  const good = { name: 'ci' };
  const before = await house.rows();
  await refusesBadInput(http.post, KEYS, good, [
    ['name', {}],
    ['name', { name: '' }],
    ['name', { name: 'x'.repeat(101) }],
    ['name', { name: 'a\nb' }],
    ['expires_days', { ...good, expires_days: 0 }],
    ['expires_days', { ...good, expires_days: 3_651 }],
    ['expires_days', { ...good, expires_days: 1.5 }],
    ['expires_days', { ...good, expires_days: '30' }],
    ['scoped_permissions', { ...good, scoped_permissions: [] }],
    ['scoped_permissions', { ...good, scoped_permissions: 'job.submit' }],
    ['scoped_permissions', { ...good, scoped_permissions: ['*'] }],
    ['scoped_permissions', { ...good, scoped_permissions: ['job.submit', 'admin.users'] }],
  ]);
  for (const [field, path] of [
    ['limit', '?limit=0'],
    ['limit', '?limit=501'],
    ['cursor', '?cursor=x'],
    ['user_id', '?user_id=-1'],
    ['nope', '?nope=1'],
  ] as const)
    expectProblem(await http.get(`${KEYS}${path}`), path, field);
  for (const id of ['0', '-1', 'abc', '1e3', '2147483648', '9999999999'])
    expectProblem(await http.delete(`${KEYS}/${id}`), id, 'id');
  expect(await house.rows()).toEqual(before);
  for (const answer of [
    await house.anonymous.get(KEYS),
    await house.anonymous.post(KEYS, good),
    await house.anonymous.delete(`${KEYS}/1`),
  ])
    expect(answer.status).toBe(401);
});

it('makes a key that is shown once and works in both headers', async () => {
  const { http, id } = await house.person('researcher');
  const { status, body, headers } = await http.post(KEYS, { name: 'ci', expires_days: 30 });
  expect(status).toBe(201);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(body.key).toMatch(/^lc_[\w-]{43}$/);
  expect(body.key_info).toEqual({
    id: expect.any(Number),
    name: 'ci',
    key_prefix: body.key.slice(0, 11),
    created_at: expect.any(String),
    last_used_at: null,
    expires_at: expect.any(String),
    is_active: true,
    scoped_permissions: null,
    allowed_cidrs: null,
    made_by: id,
    replaced_by: null,
  });
  expect((await house.key(body.key).get('/api/auth/me')).body.id).toBe(id);
  expect((await house.anonymous.get('/api/auth/me', { 'x-api-key': body.key })).body.id).toBe(id);
  expect(JSON.stringify(await house.service.database.query('select * from api_keys'))).not.toContain(
    body.key,
  );
  expect((await http.get(KEYS)).body.api_keys[0]).toMatchObject({
    id: body.key_info.id,
    key_prefix: body.key_info.key_prefix,
  });
  expect(JSON.stringify((await http.get(KEYS)).body)).not.toContain(body.key);
});

it('lists page by page, one’s own only', async () => {
  const { http, id } = await house.person('viewer');
  for (const name of ['a', 'b', 'c']) await http.post(KEYS, { name });
  const first = await http.get(`${KEYS}?limit=3`);
  expect([first.body.total, first.body.api_keys.map((key: { name: string }) => key.name)]).toEqual([
    4,
    ['c', 'b', 'a'],
  ]);
  const second = await http.get(`${KEYS}?limit=3&cursor=${first.body.next_cursor}`);
  expect([second.body.api_keys.map((key: { name: string }) => key.name), second.body.next_cursor]).toEqual([
    ['test'],
    undefined,
  ]);
  expect((await http.get(`${KEYS}?user_id=${house.adminId}`)).status).toBe(403);
  expect((await house.admin.get(`${KEYS}?user_id=${id}`)).body.total).toBe(4);
});

it('is stopped by its scope at every door', async () => {
  const { body } = await house.admin.post(KEYS, { name: 'reader', scoped_permissions: ['job.view.own'] });
  const scoped = house.key(body.key);
  expect((await scoped.get('/api/auth/me')).body).toMatchObject({
    level: 'admin',
    permissions: ['job.view.own'],
  });
  const before = await house.rows();
  expect((await scoped.get('/api/users')).status).toBe(403);
  expect((await scoped.post('/api/users', { username: 'x', email: 'x@lineclear.test' })).status).toBe(403);
  expect((await scoped.get(`${KEYS}?user_id=${house.adminId + 1}`)).status).toBe(403);
  expect((await scoped.get('/api/system/dead-letters/auth')).status).toBe(403);
  expect(await house.rows()).toEqual(before);
});

it('a scoped key makes no key that can do more, and ends none that can', async () => {
  const { body } = await house.admin.post(KEYS, {
    name: 'narrow',
    scoped_permissions: ['job.view.own', 'job.submit'],
  });
  const narrow = house.key(body.key);
  expectProblem(
    await narrow.post(KEYS, { name: 'wide', scoped_permissions: ['job.submit', 'admin.users'] }),
    'wide',
    'scoped_permissions',
  );
  const copy = await narrow.post(KEYS, { name: 'copy' });
  expect(copy.body.key_info.scoped_permissions).toEqual(['job.view.own', 'job.submit']);
  const child = await house
    .key(copy.body.key)
    .post(KEYS, { name: 'child', scoped_permissions: ['job.submit'] });
  expect((await house.key(child.body.key).get('/api/auth/me')).body.permissions).toEqual(['job.submit']);
  expect(
    (await house.key(child.body.key).post(KEYS, { name: 'up', scoped_permissions: ['job.view.own'] })).status,
  ).toBe(400);

  const full = await house.admin.post(KEYS, { name: 'full' });
  expect((await narrow.delete(`${KEYS}/${full.body.key_info.id}`)).status).toBe(403);
  expect((await narrow.delete(`${KEYS}/${copy.body.key_info.id}`)).status).toBe(200);
});

it('a key that ends makes none that outlives it', async () => {
  const { http } = await house.person('viewer');
  const { body } = await http.post(KEYS, { name: 'week', expires_days: 7 });
  const week = house.key(body.key);
  expectProblem(await week.post(KEYS, { name: 'month', expires_days: 30 }), 'month', 'expires_days');
  const child = await week.post(KEYS, { name: 'child' });
  expect(child.body.key_info.expires_at).toBe(body.key_info.expires_at);
  const day = await week.post(KEYS, { name: 'day', expires_days: 1 });
  expect(day.body.key_info.expires_at < body.key_info.expires_at).toBe(true);
});

it('a key scoped to admin.users gives nobody what it does not hold', async () => {
  const scope = ['admin.users', 'job.view.own', 'config.view'];
  const { body } = await house.admin.post(KEYS, { name: 'provisioning', scoped_permissions: scope });
  const provisioning = house.key(body.key);
  const mail = (name: string) => ({ username: name, email: `${name}@lineclear.test` });
  expect((await provisioning.post('/api/users', { ...mail('up'), level: 'admin' })).status).toBe(403);
  const viewer = await provisioning.post('/api/users', { ...mail('fine'), level: 'viewer' });
  expect(viewer.status).toBe(201);
  expect((await provisioning.patch(`/api/users/${viewer.body.id}`, { level: 'lead' })).status).toBe(403);
  expect(
    (
      await provisioning.post(`/api/users/${viewer.body.id}/permissions`, {
        permission_name: 'admin.config',
        granted: true,
      })
    ).status,
  ).toBe(403);
  expect(
    (await provisioning.patch(`/api/users/${house.adminId}`, { email: 'mine@lineclear.test' })).status,
  ).toBe(403);
  const lead = await house.person('lead');
  expect(
    (await provisioning.patch(`/api/users/${lead.id}`, { password: 'a password I would know' })).status,
  ).toBe(403);
  expect((await provisioning.delete(`/api/users/${lead.id}`)).status).toBe(403);
});

it('shrinks with its owner’s rights', async () => {
  const person = await house.person('lead');
  const { body } = await person.http.post(KEYS, {
    name: 'approver',
    scoped_permissions: ['admin.approve', 'job.submit'],
  });
  const key = house.key(body.key);
  const may = async (): Promise<string[]> => (await key.get('/api/auth/me')).body.permissions;
  expect(await may()).toEqual(['job.submit', 'admin.approve']);
  await house.admin.post(`/api/users/${person.id}/permissions`, {
    permission_name: 'job.submit',
    granted: false,
  });
  expect(await may()).toEqual(['admin.approve']);
  await house.admin.patch(`/api/users/${person.id}`, { level: 'viewer' });
  expect(await may()).toEqual([]);
});

it('is refused at once when it is revoked, and everyone is told', async () => {
  const { http, id } = await house.person('viewer');
  const { body } = await http.post(KEYS, { name: 'gone' });
  const key = house.key(body.key);
  expect((await key.get('/api/auth/me')).status).toBe(200);
  expect((await http.delete(`${KEYS}/${body.key_info.id}`)).body).toEqual({ success: true });
  expect((await key.get('/api/auth/me')).status).toBe(401);
  expect((await http.delete(`${KEYS}/${body.key_info.id}`)).status).toBe(404);
  expect((await http.get(KEYS)).body.total).toBe(1);
  await vi.waitFor(() =>
    expect(house.peer.events(principalChanged).map(({ data }) => data.user_id)).toContain(id),
  );
});

it('is not there for others, but an admin may end it', async () => {
  const [one, other] = [await house.person('lead'), await house.person('lead')];
  const { body } = await one.http.post(KEYS, { name: 'mine' });
  expect((await other.http.delete(`${KEYS}/${body.key_info.id}`)).status).toBe(404);
  expect((await house.admin.delete(`${KEYS}/${body.key_info.id}`)).status).toBe(200);
  expect((await house.key(body.key).get('/api/auth/me')).status).toBe(401);
});

it('ends when its days are over', async () => {
  const { http } = await house.person('viewer');
  const { body } = await http.post(KEYS, { name: 'short', expires_days: 1 });
  const key = house.key(body.key);
  house.clock.laterMs = 86_399_000;
  expect((await key.get('/api/auth/me')).body.expires_at).toBe(body.key_info.expires_at);
  house.clock.laterMs = 86_401_000;
  expect((await key.get('/api/auth/me')).status).toBe(401);
  expect((await http.get(KEYS)).body.api_keys[0]).toMatchObject({ name: 'short', is_active: false });
});

it('is looked up by its hash in an index, whatever number of keys there are', async () => {
  const plan = await house.service.database.tx(async (tx) => {
    // With few rows a scan would be as good, so the question is whether there is another way.
    await tx.query('set local enable_seqscan = off');
    return tx.query(`explain select from api_keys where token_sha256 = 'x'`);
  });
  expect(JSON.stringify(plan)).toContain('api_keys_token_sha256_unique');
});

it('notes its last use, at most once a minute', async () => {
  const { http } = await house.person('viewer');
  const { body } = await http.post(KEYS, { name: 'used' });
  const key = house.key(body.key);
  const lastUsed = async (): Promise<string | null> => (await http.get(KEYS)).body.api_keys[0].last_used_at;
  await key.get('/api/auth/me');
  await vi.waitFor(async () => expect(await lastUsed()).not.toBeNull());
  const first = await lastUsed();
  house.clock.laterMs = 50_000;
  await key.get('/api/auth/me');
  house.clock.laterMs = 120_000;
  await key.get('/api/auth/me');
  await vi.waitFor(async () => expect(await lastUsed()).not.toBe(first));
  const apart = new Date((await lastUsed())!).getTime() - new Date(first!).getTime();
  expect(apart).toBeGreaterThan(100_000);
});
