import { SYSTEM_LEVEL_NAMES, SYSTEM_LEVELS, PERMISSIONS, principalChanged } from '@lineclear/contracts';
import { expectProblem, refusesBadInput } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ADMIN, openAuthHouse, PASSWORD, type AuthHouse } from './auth-house.js';

let house: AuthHouse;
let made = 0;
let name: string;
const USERS = '/api/users';

beforeAll(async () => {
  house = await openAuthHouse();
});
afterAll(() => house?.close());
beforeEach(() => {
  made += 1;
  name = `smith${made}`;
});

const told = (userId: number): Promise<void> =>
  vi.waitFor(() =>
    expect(house.peer.events(principalChanged).map(({ data }) => data.user_id)).toContain(userId),
  );

describe('making people', () => {
  it('refuses bad input', async () => {
    const good = { username: name, email: `${name}@lineclear.test` };
    const before = await house.rows();
    await refusesBadInput(house.admin.post, USERS, good, [
      ['username', { email: good.email }],
      ['username', { ...good, username: 'a/b' }],
      ['username', { ...good, username: 'ünal' }],
      ['username', { ...good, username: `${'a'.repeat(51)}` }],
      ['email', { username: name }],
      ['email', { ...good, email: 'a@b' }],
      ['email', { ...good, email: 'a@b.test\r\nBcc: x@y.test' }],
      ['display_name', { ...good, display_name: 'x'.repeat(121) }],
      ['email', { username: name, is_service_account: false }],
      ['is_service_account', { ...good, is_service_account: 'yes' }],
      ['password', { username: name, is_service_account: true, password: PASSWORD }],
      ['password', { ...good, password: 'short' }],
      ['password', { ...good, password: 'password1234' }],
      ['password', { ...good, password: 123_456_789_012 }],
      ['level', { ...good, level: 'root' }],
      ['level', { ...good, level: 'constructor' }],
      ['level_names', { ...good, level_names: [] }],
      ['level_names', { ...good, level_names: ['viewer', 'lead'] }],
      ['level_names', { ...good, level_names: ['boss'] }],
      ['level_names', { ...good, level: 'viewer', level_names: ['lead'] }],
    ]);
    expect(await house.rows()).toEqual(before);
  });

  it.each([
    [{}, 'researcher'],
    [{ level: 'viewer' }, 'viewer'],
    [{ level_names: ['lead'] }, 'lead'],
    [{ level: 'admin', level_names: ['admin'] }, 'admin'],
  ])('takes a level in both spellings: %j', async (more, level) => {
    const { status, body } = await house.admin.post(USERS, {
      username: name,
      email: `${name}@lineclear.test`,
      password: 'secure_password_123',
      ...more,
    });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(Number),
      username: name,
      email: `${name}@lineclear.test`,
      display_name: name,
      level,
      level_names: [level],
      is_active: true,
      is_service_account: false,
      permissions: PERMISSIONS.filter((permission) =>
        SYSTEM_LEVELS[level as 'lead'].permissions.includes(permission),
      ),
      org: null,
      teams: [],
      created_at: expect.any(String),
      last_login_at: null,
    });
    expect((await house.login(name, 'secure_password_123')).csrfToken).toBeDefined();
  });

  it('lets one of many have a name, whatever the case', async () => {
    const tries = [name, name.toUpperCase(), name, name].map((username, n) => ({
      username,
      email: `${name}.${n}@lineclear.test`,
    }));
    const sameMail = [1, 2, 3, 4].map((n) => ({
      username: `${name}.${n}`,
      email: n % 2 ? `MAIL.${name}@lineclear.test` : `mail.${name}@lineclear.test`,
    }));
    for (const group of [tries, sameMail]) {
      const answers = await Promise.all(group.map((body) => house.admin.post(USERS, body)));
      expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(['201', '409', '409', '409']);
      expect(answers.find(({ status }) => status === 409)?.body.detail).toMatch(
        /^this (username|email address) is taken$/,
      );
    }
  });
});

describe('who may', () => {
  it.each(['viewer', 'researcher', 'lead'] as const)('no %s looks after people', async (level) => {
    const { http, id } = await house.person(level);
    const before = await house.rows();
    const answers = [
      await http.get(USERS),
      await http.post(USERS, { username: name, email: `${name}@lineclear.test` }),
      await http.get(`${USERS}/${id}`),
      await http.patch(`${USERS}/${id}`, { level: 'admin' }),
      await http.delete(`${USERS}/${id}`),
      await http.get(`${USERS}/${id}/permissions`),
      await http.post(`${USERS}/${id}/permissions`, { permission_name: 'admin.users', granted: true }),
      await http.delete(`${USERS}/${id}/permissions/admin.users`),
      await http.get(`${USERS}/meta/levels`),
      await http.get(`${USERS}/meta/permissions`),
    ];
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 403));
    expect(await house.rows()).toEqual(before);
    expect((await http.get(`${USERS}/me`)).body).toMatchObject({ id, level });
  });

  it('no stranger, and not the routes of other services', async () => {
    for (const path of ['', '/1', '/me', '/1/permissions', '/meta/levels', '/meta/permissions'])
      expect((await house.anonymous.get(`${USERS}${path}`)).status).toBe(401);
    expect((await house.admin.get(`${USERS}/1/credentials`)).status).toBe(404);
  });
});

it('lists page by page, and closed accounts when asked', async () => {
  const folk = [await house.person('viewer'), await house.person('viewer'), await house.person('viewer')];
  await house.admin.delete(`${USERS}/${folk[1]!.id}`);
  const all = (await house.admin.get(`${USERS}?limit=500`)).body;
  const ids = (body: { users: { id: number }[] }): number[] => body.users.map(({ id }) => id);
  expect([all.total, all.next_cursor]).toEqual([all.users.length, undefined]);
  expect(ids(all)).not.toContain(folk[1]!.id);
  expect(ids((await house.admin.get(`${USERS}?limit=500&include_inactive=true`)).body)).toContain(
    folk[1]!.id,
  );

  const walked: number[] = [];
  for (let cursor = ''; ;) {
    const { body } = await house.admin.get(`${USERS}?limit=2${cursor}`);
    walked.push(...ids(body));
    if (body.next_cursor === undefined) break;
    cursor = `&cursor=${body.next_cursor}`;
  }
  expect(walked).toEqual(ids(all));
  for (const [field, query] of [
    ['limit', 'limit=0'],
    ['cursor', 'cursor=zzz'],
    ['include_inactive', 'include_inactive=maybe'],
    ['offset', 'offset=3'],
  ] as const)
    expectProblem(await house.admin.get(`${USERS}?${query}`), query, field);
});

it('knows no person by an id that is none', async () => {
  for (const id of ['0', '-1', 'abc', '1.5', '2147483648', '99999999999', '1%20or%201=1'])
    expectProblem(await house.admin.get(`${USERS}/${id}`), id, 'id');
  expect((await house.admin.get(`${USERS}/2147483647`)).status).toBe(404);
  expect((await house.admin.patch(`${USERS}/2147483647`, { level: 'lead' })).status).toBe(404);
  expect((await house.admin.patch(`${USERS}/2147483647`, { password: PASSWORD })).status).toBe(404);
  expect((await house.admin.delete(`${USERS}/2147483647`)).status).toBe(404);
  expect((await house.admin.get(`${USERS}/2147483647/permissions`)).status).toBe(404);
});

describe('changing people', () => {
  it('refuses bad input', async () => {
    const { id, username } = await house.person('viewer');
    const good = { display_name: 'Ada' };
    const before = await house.rows();
    await refusesBadInput(house.admin.patch, `${USERS}/${id}`, good, [
      ['username', { username: 'other' }],
      ['email', { email: 'x' }],
      ['display_name', { display_name: '' }],
      ['level', { level: 'god' }],
      ['level_names', { level: 'viewer', level_names: ['lead'] }],
      ['is_active', { is_active: 'no' }],
      ['password', { password: 'short' }],
      ['password', { password: `${username}@lineclear.test` }],
    ]);
    expect((await house.admin.patch(`${USERS}/${id}`, {})).status).toBe(400);
    expect(await house.rows()).toEqual(before);
  });

  it('takes effect with the next request and is told', async () => {
    const person = await house.person('researcher');
    const patched = await house.admin.patch(`${USERS}/${person.id}`, {
      display_name: 'Ada L.',
      email: `${name}@new.test`,
      level_names: ['lead'],
    });
    expect(patched.body).toMatchObject({
      id: person.id,
      display_name: 'Ada L.',
      email: `${name}@new.test`,
      level: 'lead',
    });
    expect((await person.http.get('/api/auth/me')).body).toMatchObject({
      level: 'lead',
      email: `${name}@new.test`,
    });
    await told(person.id);
    expect(
      (await house.admin.patch(`${USERS}/${person.id}`, { email: ADMIN.email.toUpperCase() })).status,
    ).toBe(409);
  });

  it('ends sessions with a new password', async () => {
    const person = await house.person('viewer');
    const { http } = await house.login(person.username);
    expect((await house.admin.patch(`${USERS}/${person.id}`, { password: 'given by an admin' })).status).toBe(
      200,
    );
    expect((await http.get('/api/auth/me')).status).toBe(401);
    expect((await person.http.get('/api/auth/me')).status).toBe(200);
    expect((await house.login(person.username, 'given by an admin')).csrfToken).toBeDefined();
    expect(
      (await house.admin.patch(`${USERS}/${house.adminId}`, { password: 'given by an admin' })).status,
    ).toBe(409);
  });

  it('shuts out who is not active, keys and all, and lets back in', async () => {
    const person = await house.person('viewer');
    const { http } = await house.login(person.username);
    expect((await person.http.get('/api/auth/me')).status).toBe(200);
    await house.admin.patch(`${USERS}/${person.id}`, { is_active: false });
    expect((await http.get('/api/auth/me')).status).toBe(401);
    expect((await person.http.get('/api/auth/me')).status).toBe(401);
    await told(person.id);
    await house.admin.patch(`${USERS}/${person.id}`, { is_active: true });
    expect((await person.http.get('/api/auth/me')).status).toBe(200);
    expect((await http.get('/api/auth/me')).status).toBe(401);
  });

  it('closes an account for good, and keeps its name', async () => {
    const person = await house.person('viewer');
    expect((await house.admin.delete(`${USERS}/${person.id}`)).body).toMatchObject({
      id: person.id,
      is_active: false,
    });
    expect((await house.admin.get(`${USERS}/${person.id}`)).body.is_active).toBe(false);
    expect(
      (await house.admin.post(USERS, { username: person.username, email: `${name}@lineclear.test` })).status,
    ).toBe(409);
    await house.admin.patch(`${USERS}/${person.id}`, { is_active: true });
    expect((await person.http.get('/api/auth/me')).status).toBe(401);
  });
});

it('shows the matrix both ways round', async () => {
  const { body } = await house.admin.get(`${USERS}/meta/levels`);
  expect(
    body.levels.map((level: { name: string; priority: number }) => [level.name, level.priority]),
  ).toEqual([
    ['viewer', 10],
    ['researcher', 20],
    ['lead', 30],
    ['admin', 100],
  ]);
  expect(body.levels[3].permissions).toEqual(PERMISSIONS);
  const permissions = (await house.admin.get(`${USERS}/meta/permissions`)).body;
  expect(permissions.total).toBe(PERMISSIONS.length);
  expect(permissions.permissions).toContainEqual({ name: 'job.view.own', levels: [...SYSTEM_LEVEL_NAMES] });
  expect(permissions.permissions).toContainEqual({ name: 'admin.users', levels: ['admin'] });
});
