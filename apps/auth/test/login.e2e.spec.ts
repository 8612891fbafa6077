import { loginFailure, principalChanged } from '@lineclear/contracts';
import { refusesBadInput } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ADMIN, openAuthHouse, PASSWORD, withHeaders, type AuthHouse } from './auth-house.js';

let house: AuthHouse;
const LOGIN = '/api/auth/login';

beforeAll(async () => {
  house = await openAuthHouse();
});
afterAll(() => house?.close());
afterEach(() => {
  house.clock.laterMs = 0;
});

/** Logs in as from that address, through the gateway. */
const from = (address: string, username: string, password = PASSWORD) =>
  house.anonymous.post(LOGIN, { username, password }, { 'x-forwarded-for': address });
const passwordChecks = async (): Promise<number> => {
  const { body } = await house.anonymous.get('/metrics');
  return [...(body as string).matchAll(/^lineclear_auth_password_checks_total\{.*\} (\d+)/gm)].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  );
};

describe('login', () => {
  it('refuses bad input and counts it as no failure', async () => {
    const before = await house.rows();
    const good = { username: ADMIN.username, password: 'not the password' };
    await refusesBadInput(house.anonymous.post, LOGIN, good, [
      ['username', { ...good, username: '' }],
      ['username', { ...good, username: 'u'.repeat(255) }],
      ['username', { password: PASSWORD }],
      ['password', { ...good, password: '' }],
      ['password', { ...good, password: 'x'.repeat(257) }],
      ['password', { ...good, password: null }],
      ['remember_me', { ...good, remember_me: 'yes' }],
    ]);
    expect(await house.rows()).toEqual(before);
  });

  it('opens a session by username or email, whatever the case, and shows no hash', async () => {
    for (const username of [ADMIN.username, 'ROOT', ADMIN.email, 'Root@LineClear.test']) {
      const answer = await house.anonymous.post(LOGIN, { username, password: PASSWORD });
      expect(answer.status).toBe(200);
      expect(answer.body.user).toMatchObject({
        username: ADMIN.username,
        level: 'admin',
        last_login_at: expect.any(String),
      });
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.getSetCookie()).toEqual([
        expect.stringMatching(
          /^lineclear_session=[\w-]{43}; Max-Age=86400; Path=\/; HttpOnly; SameSite=Lax$/,
        ),
      ]);
      expect(JSON.stringify(answer.body)).not.toContain('argon2');
    }
  });

  const HERE = { 'x-forwarded-host': '10.0.0.5:8080' };
  it.each([
    [403, 'another site', { 'sec-fetch-site': 'cross-site' }],
    // Without https a browser tells no more than this.
    [403, 'another site, to a house in the local network', { ...HERE, origin: 'http://evil.test' }],
    [403, 'another port', { ...HERE, origin: 'http://10.0.0.5:3000' }],
    [403, 'a file or a frame without an origin', { ...HERE, origin: 'null' }],
    [200, 'its own', { ...HERE, origin: 'http://10.0.0.5:8080' }],
    [200, 'the public address', { ...HERE, origin: 'http://127.0.0.1:8080' }],
    [200, 'no browser', HERE],
  ])('answers %i to a page of %s', async (status, _, headers) => {
    const root = { username: 'root', password: PASSWORD };
    const answer = await house.anonymous.post(LOGIN, root, headers);
    expect(answer.status).toBe(status);
    expect(answer.headers.getSetCookie()).toHaveLength(status === 200 ? 1 : 0);
  });

  it('answers an unknown name, a wrong password and a closed account alike, each after one hash', async () => {
    const closed = await house.person('viewer');
    await house.admin.patch(`/api/users/${closed.id}`, { is_active: false });
    const passwordless = await house.admin.post('/api/users', {
      username: 'nopass',
      email: 'nopass@lineclear.test',
    });
    expect(passwordless.status).toBe(201);
    const tries = [
      ['nobody', PASSWORD],
      ['nobody@lineclear.test', PASSWORD],
      [ADMIN.username, 'wrong password'],
      [closed.username, PASSWORD],
      ['nopass', PASSWORD],
    ] as const;
    for (const [username, password] of tries) {
      const before = await passwordChecks();
      const { status, body } = await from('203.0.113.1', username, password);
      expect([status, body.detail, await passwordChecks()], username).toEqual([
        401,
        'the username or the password is wrong',
        before + 1,
      ]);
    }
  });

  it('tells of failures without what was typed into the wrong field', async () => {
    const person = await house.person('viewer');
    await from('203.0.113.2', person.username, 'my dear wrong password');
    await from('203.0.113.2', 'my.dear.secret.password');
    await vi.waitFor(() =>
      expect(
        house.peer.events(loginFailure).filter(({ data }) => data.address === '203.0.113.2'),
      ).toHaveLength(2),
    );
    const [known, unknown] = house.peer
      .events(loginFailure)
      .filter(({ data }) => data.address === '203.0.113.2');
    expect(known?.data).toEqual({
      username: person.username,
      user_id: person.id,
      address: '203.0.113.2',
      failures: 1,
    });
    expect(unknown?.data).toEqual({ username: '(unknown)', address: '203.0.113.2', failures: 1 });
    expect(JSON.stringify(await house.service.database.query('select * from login_failures'))).not.toContain(
      'dear',
    );
  });
});

describe('lock-out', () => {
  it('makes an account wait longer and longer, from any address, under any of its names', async () => {
    const { username } = await house.person('viewer');
    for (let n = 1; n <= 5; n += 1)
      expect((await from(`198.51.100.${n}`, username, 'wrong')).status).toBe(401);
    const locked = await from('198.51.100.9', `${username}@lineclear.test`);
    expect(locked.status).toBe(429);
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(5);
    const checks = await passwordChecks();
    await from('198.51.100.9', username);
    expect(await passwordChecks()).toBe(checks);

    house.clock.laterMs = 10_001;
    expect((await from('198.51.100.9', username, 'wrong')).status).toBe(401);
    house.clock.laterMs = 25_000;
    expect((await from('198.51.100.9', username)).status).toBe(429);
    house.clock.laterMs = 60_000;
    expect((await from('198.51.100.9', username)).status).toBe(200);
    // Forgotten with the right password.
    expect((await from('198.51.100.9', username, 'wrong')).status).toBe(401);
    expect((await from('198.51.100.9', username)).status).toBe(200);
  });

  it('counts guesses from an address with a zone of any length', async () => {
    const { username } = await house.person('viewer');
    for (let n = 1; n <= 5; n += 1)
      expect((await from(`fe80::1%${'x'.repeat(99)}`, username, 'wrong')).status).toBe(401);
    expect((await from('198.51.107.1', username)).status).toBe(429);
  });

  it('treats a name that nobody has the same', async () => {
    for (let n = 1; n <= 5; n += 1) expect((await from(`198.51.101.${n}`, 'phantom')).status).toBe(401);
    expect((await from('198.51.101.9', 'phantom')).status).toBe(429);
  });

  it('makes an address wait that tries many names', async () => {
    for (let n = 1; n <= 20; n += 1) expect((await from('198.51.102.1', `guess${n}`)).status).toBe(401);
    expect((await from('198.51.102.1', ADMIN.username)).status).toBe(429);
    expect((await from('198.51.102.2', ADMIN.username)).status).toBe(200);
  });

  it('lets no burst of guesses through, and does not mind many right logins at once', async () => {
    const { id, username } = await house.person('viewer');
    const right = await Promise.all(Array.from({ length: 12 }, () => from('198.51.103.1', username)));
    expect(right.map(({ status }) => status)).toEqual(Array(12).fill(200));
    await Promise.all(Array.from({ length: 40 }, (_, n) => from(`198.51.104.${n}`, username, `wrong ${n}`)));
    const [row] = await house.service.database.query<{ failures: number }>(
      'select failures from login_failures where key = $1',
      [`user:${id}`],
    );
    expect(row?.failures).toBe(5);
    expect((await from('198.51.105.1', username)).status).toBe(429);
  });
});

it('counts a failure whose counter a right password forgets at that moment', async () => {
  const { id, username } = await house.person('viewer');
  await from('198.51.106.1', username, 'wrong');
  const { database } = house.service;
  let guess: ReturnType<typeof from> | undefined;
  await database.tx(async (tx) => {
    // Whoever counts a failure comes to the address first, and then to the account.
    await tx.query("select from login_failures where key = 'address:198.51.106.1' for update");
    guess = from('198.51.106.1', username, 'wrong');
    await house.untilOneWaits();
    expect((await from('198.51.106.2', username)).status).toBe(200);
  });
  expect((await guess)?.status).toBe(401);
  expect(await database.query('select failures from login_failures where key = $1', [`user:${id}`])).toEqual([
    { failures: 1 },
  ]);
});

describe('a session', () => {
  it('reads with the cookie alone and changes only with the CSRF token', async () => {
    const person = await house.person('researcher');
    const { http, cookie, csrfToken } = await house.login(person.username);
    const bare = withHeaders(house.anonymous, { cookie });
    expect((await bare.get('/api/auth/me')).body).toMatchObject({
      username: person.username,
      via: 'session',
      permissions: expect.arrayContaining(['job.submit']),
      // A page that was loaded again gets it from here.
      csrf_token: csrfToken,
    });
    const key = { name: 'k' };
    expect((await bare.post('/api/auth/api-keys', key)).status).toBe(403);
    expect((await bare.post('/api/auth/api-keys', key, { 'x-csrf-token': 'x'.repeat(43) })).status).toBe(403);
    const other = await house.login(person.username);
    expect((await bare.post('/api/auth/api-keys', key, { 'x-csrf-token': other.csrfToken })).status).toBe(
      403,
    );
    expect((await http.post('/api/auth/api-keys', key)).status).toBe(201);
  });

  it('ends at logout, at once, and tells everyone', async () => {
    const person = await house.person('viewer');
    const [one, two] = [await house.login(person.username), await house.login(person.username)];
    const answer = await one.http.post('/api/auth/logout');
    expect(answer.body).toEqual({ success: true });
    expect(answer.headers.getSetCookie()[0]).toMatch(/^lineclear_session=; Max-Age=0;/);
    expect((await one.http.get('/api/auth/me')).status).toBe(401);
    expect((await two.http.get('/api/auth/me')).status).toBe(200);
    await vi.waitFor(() =>
      expect(house.peer.events(principalChanged).map(({ data }) => data.user_id)).toContain(person.id),
    );
  });

  it('is not ended by a key that logs out', async () => {
    const person = await house.person('viewer');
    expect((await person.http.post('/api/auth/logout')).status).toBe(200);
    expect((await person.http.get('/api/auth/me')).status).toBe(200);
  });

  it('ends after a day, or thirty for who is remembered', async () => {
    const { username } = await house.person('viewer');
    const { http } = await house.login(username);
    const remembered = await house.anonymous.post(LOGIN, { username, password: PASSWORD, remember_me: true });
    const cookie = remembered.headers.getSetCookie()[0]!;
    expect(cookie).toContain('Max-Age=2592000;');
    const long = withHeaders(house.anonymous, { cookie: cookie.split(';')[0]! });
    house.clock.laterMs = 86_340_000;
    expect((await http.get('/api/auth/me')).status).toBe(200);
    house.clock.laterMs = 86_401_000;
    expect((await http.get('/api/auth/me')).status).toBe(401);
    expect((await long.get('/api/auth/me')).status).toBe(200);
    house.clock.laterMs = 30 * 86_400_000 + 1_000;
    expect((await long.get('/api/auth/me')).status).toBe(401);
  });

  it('is stored as hashes only', async () => {
    const { username } = await house.person('viewer');
    const { cookie, csrfToken } = await house.login(username);
    const token = cookie.split('=')[1]!;
    const stored = JSON.stringify(await house.service.database.query('select * from sessions'));
    expect(stored).not.toContain(token);
    expect(stored).not.toContain(csrfToken);
  });
});

describe('check', () => {
  it('says who it is without refusing anyone', async () => {
    const person = await house.person('lead');
    expect((await house.anonymous.get('/api/auth/check')).body).toEqual({ authenticated: false });
    expect((await house.key('lc_wrong').get('/api/auth/check')).body).toEqual({ authenticated: false });
    expect((await person.http.get('/api/auth/check')).body).toEqual({
      authenticated: true,
      user_id: person.id,
      username: person.username,
      level: 'lead',
      is_admin: false,
      via: 'api_key',
    });
    expect((await house.admin.get('/api/auth/check')).body).toMatchObject({ is_admin: true });
  });
});
