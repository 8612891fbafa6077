import { introspect, principal as principalSchema, principalChanged } from '@lineclear/contracts';
import { expectProblem, refusesBadInput } from '@lineclear/testkit';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { openAuthHouse, PASSWORD, type AuthHouse } from './auth-house.js';

let house: AuthHouse;
let made = 0;
const USERS = '/api/users';
const KEYS = '/api/auth/api-keys';

beforeAll(async () => {
  house = await openAuthHouse();
});
afterAll(() => house?.close());
beforeEach(() => {
  made += 1;
});

const account = async (more: object = {}): Promise<{ id: number; username: string }> =>
  (await house.admin.post(USERS, { username: `robot.${made}`, is_service_account: true, ...more })).body;
const keysOf = (id: number): string => `${USERS}/${id}/api-keys`;

it('is made without a password and an address, and shown as what it is', async () => {
  const { status, body } = await house.admin.post(USERS, {
    username: '.odd..name.',
    is_service_account: true,
    level: 'viewer',
  });
  expect(status).toBe(201);
  expect(body).toMatchObject({ email: null, level: 'viewer', is_service_account: true, is_active: true });
  expect((await house.admin.get(`${USERS}/${body.id}`)).body).toEqual(body);
  const reachable = await account({ email: `robots.${made}@lineclear.test` });
  expect(reachable).toMatchObject({ email: `robots.${made}@lineclear.test`, is_service_account: true });
});

it('has no password, is given none, and logs in with none', async () => {
  const { id, username } = await account();
  const before = await house.rows();
  expect((await house.admin.patch(`${USERS}/${id}`, { password: PASSWORD })).status).toBe(409);
  expectProblem(await house.admin.patch(`${USERS}/${id}`, { kind: 'person' }), 'kind', 'kind');
  expectProblem(
    await house.admin.patch(`${USERS}/${id}`, { is_service_account: false }),
    'becomes a person',
    'is_service_account',
  );
  expect(await house.rows()).toEqual(before);
  const { body } = await house.admin.post(keysOf(id), { name: 'ci' });
  for (const name of [username, `service-${id}@service.invalid`])
    for (const password of [PASSWORD, body.key])
      expect((await house.anonymous.post('/api/auth/login', { username: name, password })).status).toBe(401);
  const change = { current_password: PASSWORD, new_password: 'another long password' };
  expect((await house.key(body.key).post('/api/auth/change-password', change)).status).toBe(409);
});

it('decides nothing, whatever its level and whatever it is granted', async () => {
  const { id } = await account({ level: 'lead' });
  await house.admin.post(`${USERS}/${id}/permissions`, { permission_name: 'queue.approve', granted: true });
  const { body } = await house.admin.post(keysOf(id), { name: 'ci' });
  const { permissions } = (await house.key(body.key).get('/api/auth/me')).body;
  expect(permissions).toContain('job.view.all');
  for (const decision of ['admin.approve', 'queue.approve']) {
    expect(permissions).not.toContain(decision);
    const wish = { name: 'ci', scoped_permissions: [decision] };
    expectProblem(await house.admin.post(keysOf(id), wish), decision, 'scoped_permissions');
  }
});

it('acts by keys that an admin makes, with an address that its principal may have', async () => {
  const { id, username } = await account({ level: 'researcher' });
  const { status, body, headers } = await house.admin.post(keysOf(id), { name: 'ci', expires_days: 30 });
  expect(status).toBe(201);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(body.key_info).toMatchObject({ name: 'ci', made_by: house.adminId, is_active: true });
  const { permissions } = (await house.admin.get(`${USERS}/${id}`)).body;
  expect(body.key_info.scoped_permissions).toEqual(permissions);
  expect((await house.key(body.key).get('/api/auth/me')).body).toMatchObject({
    id,
    username,
    email: null,
    is_service_account: true,
    permissions,
  });
  const { principal } = await house.peer.ask(introspect, {
    kind: 'api_key',
    token_sha256: createHash('sha256').update(body.key).digest('hex'),
  });
  expect(principalSchema.parse(principal)).toMatchObject({
    user_id: id,
    email: `service-${id}@service.invalid`,
  });
});

it('has its keys listed, changed, renewed and revoked by an admin', async () => {
  const { id } = await account();
  for (const name of ['a', 'b', 'c']) await house.admin.post(keysOf(id), { name });
  const first = await house.admin.get(`${keysOf(id)}?limit=2`);
  expect([first.body.total, first.body.api_keys.map((key: { name: string }) => key.name)]).toEqual([
    3,
    ['c', 'b'],
  ]);
  const second = await house.admin.get(`${keysOf(id)}?limit=2&cursor=${first.body.next_cursor}`);
  expect(second.body.api_keys.map((key: { name: string }) => key.name)).toEqual(['a']);
  const key = `${KEYS}/${first.body.api_keys[0].id}`;
  expect((await house.admin.patch(key, { allowed_cidrs: ['10.0.0.0/8'] })).status).toBe(200);
  const renewed = await house.admin.post(`${key}/rotate`);
  expect(renewed.status).toBe(201);
  expect(renewed.body.key_info).toMatchObject({ made_by: house.adminId, allowed_cidrs: ['10.0.0.0/8'] });
  expect((await house.admin.delete(`${KEYS}/${renewed.body.key_info.id}`)).status).toBe(200);
  await vi.waitFor(() =>
    expect(house.peer.events(principalChanged).map(({ data }) => data.user_id)).toContain(id),
  );
});

it('renews its own key and makes narrower ones', async () => {
  const { id } = await account();
  const { body } = await house.admin.post(keysOf(id), { name: 'ci' });
  const program = house.key(body.key);
  const renewed = await program.post(`${KEYS}/${body.key_info.id}/rotate`);
  expect(renewed.status).toBe(201);
  expect(renewed.body.key_info).toMatchObject({
    made_by: id,
    scoped_permissions: body.key_info.scoped_permissions,
  });
  const child = await program.post(KEYS, { name: 'child', scoped_permissions: ['job.view.own'] });
  expect((await house.key(child.body.key).get('/api/auth/me')).body.permissions).toEqual(['job.view.own']);
});

it('refuses bad input, people’s accounts, closed and unknown ones, and who may not', async () => {
  const { id } = await account();
  const closed = await account({ username: `closed.${made}` });
  await house.admin.delete(`${USERS}/${closed.id}`);
  const person = await house.person('lead');
  const before = await house.rows();
  const good = { name: 'ci' };
  await refusesBadInput(house.admin.post, keysOf(id), good, [
    ['name', {}],
    ['expires_days', { ...good, expires_days: 0 }],
    ['scoped_permissions', { ...good, scoped_permissions: ['*'] }],
    ['scoped_permissions', { ...good, scoped_permissions: ['job.submit', 'admin.users'] }],
    ['allowed_cidrs.0', { ...good, allowed_cidrs: ['office'] }],
  ]);
  for (const [field, path] of [
    ['limit', '?limit=0'],
    ['cursor', '?cursor=x'],
    ['user_id', '?user_id=1'],
  ] as const)
    expectProblem(await house.admin.get(`${keysOf(id)}${path}`), path, field);
  expectProblem(await house.admin.post(`${USERS}/x/api-keys`, good), 'no id', 'id');
  expect((await house.admin.post(keysOf(person.id), good)).status).toBe(409);
  expect((await house.admin.post(keysOf(house.adminId), good)).status).toBe(409);
  expect((await house.admin.post(keysOf(closed.id), good)).status).toBe(409);
  expect((await house.admin.post(keysOf(2_147_483_647), good)).status).toBe(404);
  expect((await house.admin.get(keysOf(2_147_483_647))).status).toBe(404);
  expect((await person.http.post(keysOf(id), good)).status).toBe(403);
  expect((await person.http.get(keysOf(id))).status).toBe(403);
  expect((await house.anonymous.post(keysOf(id), good)).status).toBe(401);
  expect(await house.rows()).toEqual(before);
});

it('gets no key that can do more than its maker could, even when it may do more one day', async () => {
  const { id } = await account({ level: 'researcher' });
  const scope = ['admin.users', 'job.view.own', 'config.view'];
  const { body } = await house.admin.post(KEYS, {
    name: 'provisioning',
    scoped_permissions: scope,
    allowed_cidrs: ['127.0.0.0/8'],
    expires_days: 7,
  });
  const provisioning = house.key(body.key);
  const beyond = await provisioning.post(keysOf(id), { name: 'x', scoped_permissions: ['job.submit'] });
  expectProblem(beyond, 'beyond the maker', 'scoped_permissions');
  const key = await provisioning.post(keysOf(id), { name: 'ci' });
  expect(key.body.key_info).toMatchObject({
    scoped_permissions: ['job.view.own', 'config.view'],
    allowed_cidrs: ['127.0.0.0/8'],
    expires_at: body.key_info.expires_at,
  });
  await house.admin.patch(`${USERS}/${id}`, { level: 'admin' });
  expect((await house.key(key.body.key).get('/api/auth/me')).body.permissions).toEqual([
    'job.view.own',
    'config.view',
  ]);
  // Nor does it renew one that an admin made with more.
  const wide = await house.admin.post(keysOf(id), { name: 'wide' });
  expect((await provisioning.post(`${KEYS}/${wide.body.key_info.id}/rotate`)).status).toBe(403);
});

it('closes no account of somebody who decides, and ends with its own', async () => {
  const robot = await account({ level: 'admin' });
  const { body } = await house.admin.post(keysOf(robot.id), { name: 'keeper' });
  const keeper = house.key(body.key);
  // Whoever could make or end people who decide would decide.
  expect((await keeper.patch(`${USERS}/${house.adminId}`, { is_active: false })).status).toBe(403);
  await house.admin.delete(`${USERS}/${robot.id}`);
  expect((await keeper.get('/api/auth/me')).status).toBe(401);
});
