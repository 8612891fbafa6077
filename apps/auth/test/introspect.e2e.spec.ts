import { createHash } from 'node:crypto';
import { introspect, SYSTEM_LEVELS, loginFailure, principalChanged } from '@lineclear/contracts';
import { startService } from '@lineclear/kit';
import { client } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { define } from '../src/app.module.js';
import { PurgeExpired } from '../src/credentials/purge-expired.js';
import { openAuthHouse, PASSWORD, type AuthHouse } from './auth-house.js';

let house: AuthHouse;
const sha256 = (token: string): string => createHash('sha256').update(token).digest('hex');
const ask = (kind: 'api_key' | 'session', token: string) =>
  house.peer.ask(introspect, { kind, token_sha256: sha256(token) });

beforeAll(async () => {
  house = await openAuthHouse({ env: { PUBLIC_URL: 'https://line.example.test' } });
});
afterAll(() => house?.close());
afterEach(() => {
  house.clock.laterMs = 0;
});

it('tells whose a key is and what it may do', async () => {
  const person = await house.person('researcher');
  expect(await ask('api_key', person.token)).toEqual({
    principal: {
      user_id: person.id,
      username: person.username,
      email: `${person.username}@lineclear.test`,
      level: 'researcher',
      level_priority: 20,
      reaches: ['viewer', 'researcher'],
      permissions: expect.arrayContaining([...SYSTEM_LEVELS.researcher.permissions]),
      via: 'api_key',
      credential_id: expect.any(Number),
    },
  });
  await house.admin.post(`/api/users/${person.id}/permissions`, {
    permission_name: 'job.submit',
    granted: false,
  });
  const { body } = await person.http.post('/api/auth/api-keys', {
    name: 's',
    expires_days: 7,
    scoped_permissions: ['config.view'],
  });
  const { principal } = await ask('api_key', body.key);
  expect(principal?.permissions).toEqual(['config.view']);
  expect(principal?.expires_at).toBe(body.key_info.expires_at);
  expect((await ask('api_key', person.token)).principal?.permissions).not.toContain('job.submit');
});

it('tells whose a session is, with what proves a change', async () => {
  const { username, id } = await house.person('viewer');
  const { cookie, csrfToken } = await house.login(username);
  const answer = await ask('session', cookie.split('=')[1]!);
  expect(answer).toMatchObject({
    principal: { user_id: id, via: 'session', expires_at: expect.any(String) },
    csrf_sha256: sha256(csrfToken),
  });
  // A session's token is no key, and a key no session.
  expect(await ask('api_key', cookie.split('=')[1]!)).toEqual({ principal: null });
});

it('sets the cookie for https only where that is how people come in', async () => {
  const answer = await house.anonymous.post('/api/auth/login', { username: 'root', password: PASSWORD });
  expect(answer.headers.getSetCookie()[0]).toMatch(/; HttpOnly; SameSite=Lax; Secure$/);
});

it('knows nobody by a credential that is unknown, revoked, expired, or of somebody shut out', async () => {
  const nobody = { principal: null };
  expect(await ask('api_key', 'lc_unknown')).toEqual(nobody);
  expect(await ask('session', 'unknown')).toEqual(nobody);

  const person = await house.person('viewer');
  const { body } = await person.http.post('/api/auth/api-keys', { name: 'gone', expires_days: 1 });
  expect((await ask('api_key', body.key)).principal).not.toBeNull();
  house.clock.laterMs = 86_400_001;
  expect(await ask('api_key', body.key)).toEqual(nobody);
  house.clock.laterMs = 0;
  await person.http.delete(`/api/auth/api-keys/${body.key_info.id}`);
  expect(await ask('api_key', body.key)).toEqual(nobody);

  const { http, cookie } = await house.login(person.username);
  await http.post('/api/auth/logout');
  expect(await ask('session', cookie.split('=')[1]!)).toEqual(nobody);

  await house.admin.patch(`/api/users/${person.id}`, { is_active: false });
  expect(await ask('api_key', person.token)).toEqual(nobody);
});

it('gives each of many who ask at once the answer to their own question', async () => {
  const people = await Promise.all([house.person('viewer'), house.person('lead')]);
  const sessions = await Promise.all(people.map(({ username }) => house.login(username)));
  const { body } = await people[0]!.http.post('/api/auth/api-keys', { name: 'revoked' });
  await people[0]!.http.delete(`/api/auth/api-keys/${body.key_info.id}`);
  const questions = [
    ...people.map(({ token, id }) => ({ kind: 'api_key' as const, token, whose: id })),
    ...sessions.map(({ cookie }, n) => ({
      kind: 'session' as const,
      token: cookie.split('=')[1]!,
      whose: people[n]!.id,
    })),
    { kind: 'api_key' as const, token: body.key as string, whose: undefined },
    { kind: 'api_key' as const, token: 'lc_unknown', whose: undefined },
  ];
  // More of each kind than one statement looks up, some of them for the same token.
  const many = Array.from({ length: 200 }, (_, n) => questions[n % questions.length]!);
  const answers = await Promise.all(many.map(({ kind, token }) => ask(kind, token)));
  expect(answers.map(({ principal }) => principal?.user_id)).toEqual(many.map(({ whose }) => whose));
});

it('refuses a question that is none', async () => {
  await expect(house.peer.ask(introspect, { kind: 'api_key', token_sha256: 'x' })).rejects.toThrow();
  await expect(
    house.peer.ask(introspect, { kind: 'password' as 'session', token_sha256: sha256('x') }),
  ).rejects.toThrow();
});

it('refuses in every replica at once, and counts guesses together', async () => {
  const { database } = house.service;
  const url = (database.source.options as { url: string }).url;
  const env = { ...(await house.backends.envFor('auth')), DATABASE_URL: url };
  const second = await startService(define(env));
  try {
    const person = await house.person('viewer');
    const there = client(second.url, person.token);
    expect((await there.get('/api/auth/me')).status).toBe(200);
    const keys = (await person.http.get('/api/auth/api-keys')).body.api_keys;
    await person.http.delete(`/api/auth/api-keys/${keys[0].id}`);
    expect((await there.get('/api/auth/me')).status).toBe(401);

    const wrong = { username: person.username, password: 'wrong' };
    for (let n = 0; n < 5; n += 1)
      await client([house.service.url, second.url][n % 2]!).post('/api/auth/login', wrong);
    for (const url of [house.service.url, second.url])
      expect((await client(url).post('/api/auth/login', wrong)).status).toBe(429);
  } finally {
    await second.close();
  }
});

it('throws away sessions that have ended and failures that no longer count', async () => {
  const { username } = await house.person('viewer');
  await house.login(username);
  await house.anonymous.post('/api/auth/login', { username, password: 'wrong' });
  house.clock.laterMs = 86_400_000 + 1_000;
  await house.service.app.get(PurgeExpired).purge();
  expect(await house.service.database.query('select 1 from sessions')).toEqual([]);
  expect(await house.service.database.query('select 1 from login_failures')).toEqual([]);
});

it('cleans up and notes uses without waiting for what is being changed at that moment', async () => {
  const { username, id } = await house.person('viewer');
  const { database } = house.service;
  await database.query('delete from sessions where user_id = $1', [id]);
  const [one, other] = [await house.login(username), await house.login(username)];
  const seen = (): Promise<{ at: Date }[]> =>
    database.query('select last_seen_at as at from sessions where user_id = $1 order by id', [id]);
  const [before] = await seen();
  house.clock.laterMs = 120_000;
  await database.tx(async (tx) => {
    await tx.query('select from sessions where user_id = $1 order by id desc limit 1 for update', [id]);
    await Promise.all([one.http.get('/api/auth/me'), other.http.get('/api/auth/me')]);
    await vi.waitFor(async () => expect((await seen())[0]?.at).not.toEqual(before?.at));
  });
  house.clock.laterMs = 86_400_000 + 1_000;
  await database.tx(async (tx) => {
    await tx.query('select from sessions where user_id = $1 order by id desc limit 1 for update', [id]);
    await house.service.app.get(PurgeExpired).purge();
    expect(await seen()).toHaveLength(1);
  });
});

it('puts no token, password or hash into an event', async () => {
  const { username, token } = await house.person('viewer');
  await house.anonymous.post('/api/auth/login', { username, password: 'a canary in the pit' });
  await vi.waitFor(() =>
    expect(house.peer.events(loginFailure).some(({ data }) => data.username === username)).toBe(true),
  );
  const said = JSON.stringify([house.peer.events(loginFailure), house.peer.events(principalChanged)]);
  for (const secret of [token, sha256(token), 'canary', PASSWORD, 'argon2'])
    expect(said).not.toContain(secret);
});
