import { internalPrincipal, principalChanged, SYSTEM_LEVELS } from '@lineclear/contracts';
import { startService } from '@lineclear/kit';
import { client, expectProblem, type Client } from '@lineclear/testkit';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { define } from '../src/app.module.js';
import { openAuthHouse, PASSWORD, withHeaders, type AuthHouse } from './auth-house.js';

const file = (more = '') => `network:
  bypass_auth_for_internal: true
  internal_networks: ['10.10.0.0/16']
${more}`;

let house: AuthHouse;
let inside: Client;

beforeAll(async () => {
  house = await openAuthHouse({ config: file() });
  inside = withHeaders(house.anonymous, { 'x-forwarded-for': '10.10.0.7' });
});
afterAll(() => house?.close());

const accounts = () =>
  house.service.database.query<{ id: number; level: string; is_active: boolean }>(
    `select id, level, is_active from users where username = 'internal' and kind = 'service'`,
  );
/** Another replica of this house, with another configuration. */
async function replica(config: string, work: (http: Client) => Promise<void> = async () => undefined) {
  const path = join(house.backends.dir, 'replica.yaml');
  writeFileSync(path, config);
  const service = await startService(
    define({ ...house.env, LINECLEAR_CONFIG: path }, { clock: house.clock }),
  );
  await work(client(service.url));
  await service.close();
}

it('leaves it to a person to be the first admin', async () => {
  expect(await accounts()).toHaveLength(1);
  expect((await house.anonymous.get('/api/auth/setup/status')).body).toMatchObject({
    needs_setup: false,
    user_count: 2,
  });
});

it('lets a caller from an internal network be the account, and nobody else', async () => {
  const { status, body } = await inside.get('/api/auth/me');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    username: 'internal',
    level: 'viewer',
    is_service_account: true,
    via: 'internal',
    permissions: SYSTEM_LEVELS.viewer.permissions,
  });
  expect((await inside.get('/api/users')).status).toBe(403);
  expect((await house.anonymous.get('/api/auth/me')).status).toBe(401);
  const wrong = { authorization: 'Bearer wrong' };
  expect((await inside.get('/api/auth/me', wrong)).status).toBe(401);
  expect((await house.anonymous.get('/api/auth/me', { 'x-forwarded-for': '10.11.0.7' })).status).toBe(401);
});

it('tells the other services, by its own file', async () => {
  const ask = async (address: string) =>
    (await house.peer.ask(internalPrincipal, { address })).principal?.username;
  expect(await ask('10.10.0.9')).toBe('internal');
  expect(await ask('::ffff:10.10.0.9')).toBe('internal');
  for (const address of ['10.11.0.9', '127.0.0.1', 'unknown', '']) expect(await ask(address)).toBeUndefined();
});

it('lets them make, change and end no credential, whatever the account may do', async () => {
  const [account] = await accounts();
  const { id: other } = await house.person('viewer');
  const grant = { permission_name: 'admin.users', granted: true };
  await house.admin.post(`/api/users/${account!.id}/permissions`, grant);
  expect((await inside.get('/api/users')).status).toBe(200);
  const before = await house.rows();
  const person = { username: 'x', email: 'x@lineclear.test', password: PASSWORD };
  const refused = [
    await inside.post('/api/auth/api-keys', { name: 'x' }),
    await inside.patch('/api/auth/api-keys/1', { name: 'x' }),
    await inside.post('/api/auth/api-keys/1/rotate'),
    await inside.delete('/api/auth/api-keys/1'),
    await inside.post('/api/auth/change-password', { current_password: 'x', new_password: PASSWORD }),
    await inside.delete('/api/auth/sessions'),
    await inside.delete('/api/auth/sessions/1'),
    await inside.post('/api/auth/logout'),
    await inside.post(`/api/users/${other}/api-keys`, { name: 'x' }),
    await inside.delete(`/api/users/${other}/sessions`),
    await inside.patch(`/api/users/${other}`, { password: PASSWORD }),
    await inside.post('/api/users', person),
  ];
  expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 403));
  for (const answer of refused) expectProblem(answer, 'refused');
  expect(await house.rows()).toEqual(before);
  await house.admin.delete(`/api/users/${account!.id}/permissions/admin.users`);
});

it('gives the account the level of the file at each start, and tells so', async () => {
  const [{ id } = { id: 0 }] = await accounts();
  const told = () => house.peer.events(principalChanged).filter(({ data }) => data.user_id === id).length;
  // What earlier tests changed has been told by then.
  await vi.waitFor(async () => expect(await house.service.database.query('select from outbox')).toEqual([]));
  const before = told();
  await replica(file('  internal_level: researcher'), async (http) => {
    expect((await http.get('/api/auth/me', { 'x-forwarded-for': '10.10.0.7' })).body.level).toBe(
      'researcher',
    );
  });
  await vi.waitFor(() => expect(told()).toBeGreaterThan(before));
  await replica(file());
  expect(await accounts()).toEqual([{ id, level: 'viewer', is_active: true }]);
});

it('lets in nobody where the file of the replica does not', async () => {
  await replica('network: { internal_networks: [10.10.0.0/16] }', async (http) => {
    expect((await http.get('/api/auth/me', { 'x-forwarded-for': '10.10.0.7' })).status).toBe(401);
  });
});

it('stays closed once an admin has deactivated the account', async () => {
  const [{ id } = { id: 0 }] = await accounts();
  expect((await house.admin.patch(`/api/users/${id}`, { is_active: false })).status).toBe(200);
  expect((await inside.get('/api/auth/me')).status).toBe(401);
  await replica(file(), async (http) => {
    expect((await http.get('/api/auth/me', { 'x-forwarded-for': '10.10.0.7' })).status).toBe(401);
  });
  await house.admin.patch(`/api/users/${id}`, { is_active: true });
  expect((await inside.get('/api/auth/me')).status).toBe(200);
});

it('lets in nobody where a person has the name', async () => {
  const become = (kind: string) =>
    house.service.database.query(`update users set kind = $1 where username = 'internal'`, [kind]);
  await become('person');
  await replica(file('  internal_level: lead'), async (http) => {
    expect((await http.get('/api/auth/me', { 'x-forwarded-for': '10.10.0.7' })).status).toBe(401);
  });
  await become('service');
  expect(await accounts()).toMatchObject([{ level: 'viewer' }]);
});

it.each([
  ['internal_networks: [0.0.0.0/0]', 'network.internal_networks.0'],
  ['internal_networks: [10.10.0.1/16]', 'network.internal_networks.0'],
  ['internal_level: admin', 'network.internal_level'],
  ['internal_level: nobody', 'network.internal_level'],
])('starts with no file that says %s', (line, path) => {
  const config = join(house.backends.dir, 'wrong.yaml');
  writeFileSync(config, `network: { ${line} }`);
  const env = { ...house.env, LINECLEAR_CONFIG: config };
  expect(() => define(env)).toThrow(path);
});
