import { principalChanged } from '@lineclear/contracts';
import { expectProblem } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { openAuthHouse, PASSWORD, withHeaders, type AuthHouse } from './auth-house.js';

let house: AuthHouse;
const SESSIONS = '/api/auth/sessions';
const ofUser = (id: number): string => `/api/users/${id}/sessions`;

beforeAll(async () => {
  house = await openAuthHouse();
});
afterAll(() => house?.close());
afterEach(() => {
  house.clock.laterMs = 0;
});

interface Session {
  readonly id: number;
  readonly is_current: boolean;
}
const told = (userId: number): number =>
  house.peer.events(principalChanged).filter(({ data }) => data.user_id === userId).length;

it('shows where one is logged in, newest first, page by page', async () => {
  const { username } = await house.person('viewer');
  await house.anonymous.post(
    '/api/auth/login',
    { username, password: PASSWORD, remember_me: true },
    { 'x-forwarded-for': '203.0.113.7', 'user-agent': 'curl/8.5.0' },
  );
  const { http } = await house.login(username);
  const { body } = await http.get(SESSIONS);
  expect(body.total).toBe(3);
  expect(body.sessions.map(({ is_current }: Session) => is_current)).toEqual([true, false, false]);
  expect(body.sessions[1]).toEqual({
    id: expect.any(Number),
    created_at: expect.any(String),
    last_seen_at: expect.any(String),
    expires_at: expect.any(String),
    address: '203.0.113.7',
    user_agent: 'curl/8.5.0',
    is_current: false,
  });
  expect(JSON.stringify(body)).not.toMatch(/sha256|token/);
  const first = (await http.get(`${SESSIONS}?limit=2`)).body;
  const second = (await http.get(`${SESSIONS}?limit=2&cursor=${first.next_cursor}`)).body;
  expect([...first.sessions, ...second.sessions]).toEqual(body.sessions);
  expect([second.total, second.next_cursor]).toEqual([3, undefined]);
  for (const [field, query] of [
    ['limit', 'limit=0'],
    ['cursor', 'cursor=x'],
    ['offset', 'offset=1'],
  ] as const)
    expectProblem(await http.get(`${SESSIONS}?${query}`), query, field);
  house.clock.laterMs = 2 * 86_400_000;
  const person = await house.login(username);
  // Those that ended by themselves are gone, whether they were thrown away yet or not.
  expect((await person.http.get(SESSIONS)).body.total).toBe(2);
});

it('ends one of one’s own, at once and told to everyone', async () => {
  const { username, id } = await house.person('viewer');
  const [here, there] = [await house.login(username), await house.login(username)];
  const { sessions } = (await here.http.get(SESSIONS)).body as { sessions: Session[] };
  const before = told(id);
  expect((await here.http.delete(`${SESSIONS}/${sessions[0]!.id}`)).body).toEqual({ success: true });
  expect((await there.http.get('/api/auth/me')).status).toBe(401);
  expect((await here.http.get('/api/auth/me')).status).toBe(200);
  await vi.waitFor(() => expect(told(id)).toBe(before + 1));
  expect((await here.http.delete(`${SESSIONS}/${sessions[0]!.id}`)).status).toBe(404);
  const own = sessions.find(({ is_current }) => is_current)!;
  expect((await here.http.delete(`${SESSIONS}/${own.id}`)).status).toBe(200);
  expect((await here.http.get('/api/auth/me')).status).toBe(401);
});

it('ends all but the one that asks; a key ends all', async () => {
  const person = await house.person('viewer');
  const [here, there] = [await house.login(person.username), await house.login(person.username)];
  expect((await here.http.delete(SESSIONS)).body).toEqual({ success: true, ended: 2 });
  expect((await here.http.get('/api/auth/me')).status).toBe(200);
  expect((await there.http.get('/api/auth/me')).status).toBe(401);
  expect((await person.http.get(SESSIONS)).body.sessions).toMatchObject([{ is_current: false }]);
  expect((await person.http.delete(SESSIONS)).body.ended).toBe(1);
  expect((await here.http.get('/api/auth/me')).status).toBe(401);
  expect((await person.http.get('/api/auth/me')).status).toBe(200);
});

it('is not there for others, needs the CSRF token, and is beyond a key that can do less', async () => {
  const [one, other] = [await house.person('viewer'), await house.person('admin')];
  const { cookie } = await house.login(one.username);
  const { sessions } = (await one.http.get(SESSIONS)).body as { sessions: Session[] };
  const path = `${SESSIONS}/${sessions[0]!.id}`;
  const scoped = await one.http.post('/api/auth/api-keys', {
    name: 's',
    scoped_permissions: ['job.view.own'],
  });
  const before = await house.rows();
  expect((await other.http.delete(path)).status).toBe(404);
  expect((await house.anonymous.delete(path)).status).toBe(401);
  expect((await house.anonymous.get(SESSIONS)).status).toBe(401);
  expect((await withHeaders(house.anonymous, { cookie }).delete(path)).status).toBe(403);
  expect((await house.key(scoped.body.key).delete(path)).status).toBe(403);
  expect((await house.key(scoped.body.key).delete(SESSIONS)).status).toBe(403);
  for (const id of ['0', 'abc', '2147483648'])
    expectProblem(await one.http.delete(`${SESSIONS}/${id}`), id, 'id');
  expect(await house.rows()).toEqual(before);
});

it('is shown and ended for those who look after people, never beyond their rights', async () => {
  const person = await house.person('lead');
  const { http } = await house.login(person.username);
  const listed = await house.admin.get(`${ofUser(person.id)}?limit=1`);
  expect(listed.body).toMatchObject({ total: 2, sessions: [{ is_current: false }] });
  expect(
    (await house.admin.get(`${ofUser(person.id)}?cursor=${listed.body.next_cursor}`)).body.sessions,
  ).toHaveLength(1);
  const narrow = await house.admin.post('/api/auth/api-keys', {
    name: 'narrow',
    scoped_permissions: ['admin.users'],
  });
  const before = await house.rows();
  expect((await house.key(narrow.body.key).delete(ofUser(person.id))).status).toBe(403);
  expect((await person.http.get(ofUser(person.id))).status).toBe(403);
  expect((await person.http.delete(ofUser(house.adminId))).status).toBe(403);
  expect((await house.admin.delete(ofUser(2_147_483_647))).status).toBe(404);
  expect((await house.admin.get(ofUser(2_147_483_647))).status).toBe(404);
  expectProblem(await house.admin.delete('/api/users/x/sessions'), 'x', 'id');
  expectProblem(await house.admin.get(`${ofUser(person.id)}?nope=1`), 'nope', 'nope');
  expect(await house.rows()).toEqual(before);

  const toldBefore = told(person.id);
  expect((await house.admin.delete(ofUser(person.id))).body).toEqual({ success: true, ended: 2 });
  expect((await http.get('/api/auth/me')).status).toBe(401);
  expect((await person.http.get('/api/auth/me')).status).toBe(200);
  await vi.waitFor(() => expect(told(person.id)).toBe(toldBefore + 1));
});
