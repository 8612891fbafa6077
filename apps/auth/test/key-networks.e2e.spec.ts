import { introspect, principalChanged } from '@lineclear/contracts';
import { expectProblem, refusesBadInput } from '@lineclear/testkit';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openAuthHouse, type AuthHouse } from './auth-house.js';

let house: AuthHouse;
const KEYS = '/api/auth/api-keys';

beforeAll(async () => {
  house = await openAuthHouse();
});
afterAll(() => house?.close());

/** What a key is answered where the gateway says that the request is from that address. */
const from = (token: string, address: string, path = '/api/auth/me') =>
  house.key(token).get(path, { 'x-forwarded-for': address });
const WRONG: readonly (readonly [string, unknown])[] = [
  ['allowed_cidrs', []],
  ['allowed_cidrs', '10.0.0.0/8'],
  ['allowed_cidrs', Array.from({ length: 51 }, (_, n) => `10.0.${n}.0/24`)],
  ['allowed_cidrs.0', ['office']],
  ['allowed_cidrs.0', ['10.0.0.1']],
  ['allowed_cidrs.0', ['10.0.0.1/8']],
  ['allowed_cidrs.0', ['0.0.0.0/0']],
  ['allowed_cidrs.1', ['10.0.0.0/8', '::/0']],
  ['allowed_cidrs.1', ['10.0.0.0/8', '2001:db8::/129']],
  ['allowed_cidrs.0', [8]],
];

it('refuses what is no network, by its place in the list', async () => {
  const { http } = await house.person('viewer');
  const { body } = await http.post(KEYS, { name: 'ci' });
  const path = `${KEYS}/${body.key_info.id}`;
  const before = await house.rows();
  await refusesBadInput(
    http.post,
    KEYS,
    { name: 'ci' },
    WRONG.map(([field, allowed_cidrs]) => [field, { name: 'ci', allowed_cidrs }]),
  );
  await refusesBadInput(http.patch, path, { name: 'ci' }, [
    ...WRONG.map(([field, allowed_cidrs]) => [field, { allowed_cidrs }] as const),
    ['name', { name: '' }],
    ['name', { name: 'a\nb' }],
    ['scoped_permissions', { scoped_permissions: ['job.submit'] }],
  ]);
  expectProblem(await http.patch(path, {}), 'nothing');
  expect((await house.anonymous.patch(path, { name: 'x' })).status).toBe(401);
  expect((await http.patch(`${KEYS}/2147483647`, { name: 'x' })).status).toBe(404);
  expect(await house.rows()).toEqual(before);
  const hint = await http.post(KEYS, { name: 'ci', allowed_cidrs: ['10.0.0.1/8'] });
  expect(hint.body.errors[0].message).toContain('the network is 10.0.0.0/8');
});

it('lets a key in from its networks alone, IPv4 and IPv6, and tells nobody which they are', async () => {
  const { http } = await house.person('viewer');
  const { body } = await http.post(KEYS, {
    name: 'office',
    allowed_cidrs: ['203.0.113.0/24', '2001:DB8::/64', '::ffff:198.51.100.7/128', '203.0.113.0/24'],
  });
  expect(body.key_info.allowed_cidrs).toEqual(['203.0.113.0/24', '2001:db8::/64', '198.51.100.7/32']);
  for (const address of [
    '203.0.113.9',
    '::ffff:203.0.113.9',
    '2001:db8::7',
    '2001:0db8:0:0::1',
    '198.51.100.7',
  ])
    expect((await from(body.key, address)).status, address).toBe(200);
  for (const address of [
    '203.0.114.9',
    '2001:db8:0:1::7',
    '198.51.100.8',
    '::ffff:203.0.114.9',
    '::1',
    'x',
  ]) {
    const refused = await from(body.key, address);
    expectProblem(refused, address);
    expect(refused.status, address).toBe(403);
    expect(refused.body.detail).toBe('this API key may not be used from where the request comes from');
    expect(JSON.stringify(refused.body)).not.toContain('203.0.113');
  }
});

it('is asked at every door, also at the one that refuses nobody', async () => {
  const { body } = await house.admin.post(KEYS, { name: 'office', allowed_cidrs: ['203.0.113.0/24'] });
  const key = house.key(body.key);
  const before = await house.rows();
  const outside = [
    await key.get('/api/users'),
    await key.post('/api/users', { username: 'x', email: 'x@lineclear.test' }),
    await key.get('/api/system/dead-letters/auth'),
    await key.post(`${KEYS}/${body.key_info.id}/rotate`),
    await key.patch(`${KEYS}/${body.key_info.id}`, { allowed_cidrs: null }),
    await key.delete(`${KEYS}/${body.key_info.id}`),
    await key.post('/api/auth/logout'),
  ];
  expect(outside.map(({ status }) => status)).toEqual(outside.map(() => 403));
  expect(await house.rows()).toEqual(before);
  expect((await key.get('/api/auth/check')).body).toEqual({ authenticated: false });
  expect((await from(body.key, '203.0.113.1', '/api/auth/check')).body.authenticated).toBe(true);
});

it('comes to the other services with the principal', async () => {
  const person = await house.person('viewer');
  const ask = async (token: string) =>
    house.peer.ask(introspect, {
      kind: 'api_key',
      token_sha256: createHash('sha256').update(token).digest('hex'),
    });
  const { body } = await person.http.post(KEYS, { name: 'office', allowed_cidrs: ['203.0.113.0/24'] });
  expect((await ask(body.key)).principal?.allowed_cidrs).toEqual(['203.0.113.0/24']);
  expect((await ask(person.token)).principal).not.toHaveProperty('allowed_cidrs');
});

it('is changed and lifted by its owner, which everyone is told', async () => {
  const { http, id } = await house.person('viewer');
  const { body } = await http.post(KEYS, { name: 'office', allowed_cidrs: ['203.0.113.0/24'] });
  const path = `${KEYS}/${body.key_info.id}`;
  const toldBefore = house.peer.events(principalChanged).filter(({ data }) => data.user_id === id).length;
  expect((await http.patch(path, { allowed_cidrs: ['127.0.0.1/32'] })).body).toMatchObject({
    name: 'office',
    allowed_cidrs: ['127.0.0.1/32'],
  });
  expect((await from(body.key, '203.0.113.1')).status).toBe(403);
  expect((await from(body.key, '127.0.0.1')).status).toBe(200);
  expect((await http.patch(path, { name: 'home' })).body).toMatchObject({
    name: 'home',
    allowed_cidrs: ['127.0.0.1/32'],
  });
  expect((await http.patch(path, { allowed_cidrs: null })).body.allowed_cidrs).toBeNull();
  expect((await from(body.key, '203.0.113.1')).status).toBe(200);
  await vi.waitFor(() =>
    expect(house.peer.events(principalChanged).filter(({ data }) => data.user_id === id)).toHaveLength(
      toldBefore + 3,
    ),
  );
  const other = await house.person('lead');
  expect((await other.http.patch(path, { name: 'mine' })).status).toBe(404);
  expect((await house.admin.patch(path, { name: 'looked after' })).body.name).toBe('looked after');
});

it('bounds the keys that a key makes and changes', async () => {
  const { http } = await house.person('researcher');
  const office = await http.post(KEYS, { name: 'office', allowed_cidrs: ['127.0.0.0/8'] });
  const free = await http.post(KEYS, { name: 'free' });
  const scoped = await http.post(KEYS, { name: 'scoped', scoped_permissions: ['config.view'] });
  const key = house.key(office.body.key);
  expect((await key.post(KEYS, { name: 'same' })).body.key_info.allowed_cidrs).toEqual(['127.0.0.0/8']);
  expect((await key.post(KEYS, { name: 'fewer', allowed_cidrs: ['127.0.0.1/32'] })).status).toBe(201);

  const before = await house.rows();
  const wider = { allowed_cidrs: ['127.0.0.0/8', '203.0.113.0/24'] };
  const path = `${KEYS}/${office.body.key_info.id}`;
  expectProblem(await key.post(KEYS, { name: 'wider', ...wider }), 'make', 'allowed_cidrs');
  expectProblem(await key.patch(path, wider), 'widen', 'allowed_cidrs');
  expectProblem(await key.patch(path, { allowed_cidrs: null }), 'lift', 'allowed_cidrs');
  expect((await key.post(`${KEYS}/${free.body.key_info.id}/rotate`)).status).toBe(403);
  expect((await house.key(scoped.body.key).patch(path, { name: 'x' })).status).toBe(403);
  expect(await house.rows()).toEqual(before);
  expect((await key.patch(path, { allowed_cidrs: ['127.0.0.1/32'] })).status).toBe(200);
});
