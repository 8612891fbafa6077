import { principalChanged } from '@lineclear/contracts';
import { client, expectProblem, type Answer } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { PurgeExpired } from '../src/credentials/purge-expired.js';
import { ADMIN, PROVIDERS } from './auth-house.js';
import { KEYCLOAK, OIDC, openOidcHouse, type OidcHouse } from './oidc-house.js';
import { CLIENT } from './oidc-server.js';

let house: OidcHouse;
let made = 0;

beforeAll(async () => {
  house = await openOidcHouse();
});
afterAll(() => house?.close());
beforeEach(async () => {
  const answer = await house.admin.post(PROVIDERS, {
    ...KEYCLOAK(house.provider.issuer),
    level_mapping: { admin: ['ml-admins'], lead: ['ml-leads'] },
  });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
});
afterEach(async () => {
  house.clock.laterMs = 0;
  await house.admin.delete(`${PROVIDERS}/keycloak`);
});

/** Somebody whom the provider knows; gives their name there. */
const someone = (claims: Record<string, unknown> = {}): string => {
  made += 1;
  const name = `person${made}`;
  house.provider.people.set(name, {
    email: `${name}@corp.test`,
    email_verified: true,
    preferred_username: name,
    name: `Person ${made}`,
    ...claims,
  });
  return name;
};
const roles = (...names: string[]): Record<string, unknown> => ({ realm_access: { roles: names } });
const patch = (change: object): Promise<Answer> => house.admin.patch(`${PROVIDERS}/keycloak`, change);
const levelOf = async (answer: Answer): Promise<string> => {
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body.user.level;
};
const changesOf = (id: number): number =>
  house.peer.events(principalChanged).filter(({ data }) => data.user_id === id).length;

describe('a login', () => {
  it('makes an account and a session that reads and changes like any other', async () => {
    const who = someone();
    const answer = await house.enter(who);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    expect(answer.body.user).toMatchObject({
      username: who,
      email: `${who}@corp.test`,
      display_name: `Person ${made}`,
      level: 'researcher',
      last_login_at: expect.any(String),
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^lineclear_session=[\w-]{43}; Max-Age=86400; Path=\/; HttpOnly; SameSite=Lax$/),
      expect.stringMatching(/^lineclear_oidc_\w{16}=; Max-Age=0; Path=\/api\/cloud\/external-auth\/oidc;/),
    ]);
    const { http } = house.session(answer);
    expect((await http.get('/api/auth/me')).body).toMatchObject({ username: who, via: 'session' });
    expect((await http.post('/api/auth/api-keys', { name: 'k' })).status).toBe(201);
    const again = await house.enter(who);
    expect(again.body.user.id).toBe(answer.body.user.id);
  });

  it('sends a browser to the provider with PKCE, a nonce and a cookie of its own', async () => {
    const answer = await house.anonymous.get(`${OIDC}/start?provider=keycloak`);
    expect(answer.status).toBe(302);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const to = new URL(answer.headers.get('location')!);
    expect(to.origin).toBe(house.provider.issuer);
    expect(Object.fromEntries(to.searchParams)).toEqual({
      client_id: CLIENT.id,
      response_type: 'code',
      scope: 'openid email profile roles',
      redirect_uri: `${house.service.url}${OIDC}/callback`,
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
    });
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^lineclear_oidc_\w{16}=[\w-]{43}; Max-Age=600; Path=\/api\/cloud\/external-auth\/oidc; HttpOnly; SameSite=Lax$/,
      ),
    ]);
  });

  it('goes on to the page it was begun for', async () => {
    const answer = await house.enter(someone(), { return_to: '/jobs?status=running' });
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/jobs?status=running']);
    expect(answer.headers.getSetCookie()[0]).toMatch(/^lineclear_session=[\w-]{43};/);
  });

  it.each([
    '//evil.test',
    '/\\evil.test',
    'https://evil.test/',
    '/%0d%0aset-cookie:x',
    'javascript:alert(1)',
  ])('goes to no %j', async (path) => {
    const asked = path.startsWith('/%') ? decodeURIComponent(path) : path;
    const search = new URLSearchParams({ provider: 'keycloak', return_to: asked });
    const before = await house.rows();
    expectProblem(await house.anonymous.get(`${OIDC}/start?${search}`), path, 'return_to');
    expect(await house.rows()).toEqual(before);
  });

  it('is ended on another replica', async () => {
    const begun = await house.begin();
    const back = await house.provider.logIn(begun.authUrl, someone());
    const answer = await house.comeBack(begun, back, { at: house.replica.url });
    expect(await levelOf(answer)).toBe('researcher');
    expect((await house.session(answer).http.get('/api/auth/me')).status).toBe(200);
  });

  it('is ended once, of a hundred who try on two replicas', async () => {
    const begun = await house.begin();
    const back = await house.provider.logIn(begun.authUrl, someone());
    const urls = [house.service.url, house.replica.url];
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => house.comeBack(begun, back, { at: urls[n % 2]! })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 200))
      expectProblem(answer, 'one who came later', 'state');
  });

  it('makes one account of many first logins at once', async () => {
    const who = someone();
    const answers = await Promise.all(Array.from({ length: 6 }, () => house.enter(who)));
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200));
    expect(new Set(answers.map(({ body }) => body.user.id)).size).toBe(1);
  });
});

describe('refuses', () => {
  it.each([
    ['provider', ''],
    ['provider', '?provider=a/b'],
    ['provider', '?provider=keycloak&provider=other'],
    ['redirect_uri', '?provider=keycloak&redirect_uri=https://evil.test'],
  ])('a start without a good %s: %j', async (field, search) => {
    expectProblem(await house.anonymous.get(`${OIDC}/start${search}`), search, field);
  });

  it('a start with a provider that is not there', async () => {
    expect((await house.anonymous.get(`${OIDC}/start?provider=nobody`)).status).toBe(404);
  });

  it.each([
    ['state', ''],
    ['state', '?code=x'],
    ['code', '?state=x'],
    ['state', '?code=x&state=unknown'],
    ['state', '?error=access_denied&state=unknown'],
    ['state', '?code=x&state=a&state=b'],
  ])('a way back without a good %s: %j', async (field, search) => {
    expectProblem(await house.anonymous.get(`${OIDC}/callback${search}`), search, field);
  });

  it('another browser, and leaves the login to the right one', async () => {
    const begun = await house.begin();
    const other = await house.begin();
    const back = await house.provider.logIn(begun.authUrl, someone());
    const [name] = begun.cookie.split('=');
    for (const cookie of ['', other.cookie, `${name}=${other.cookie.split('=')[1]}`, `${name}=`])
      expectProblem(await house.comeBack(begun, back, { cookie }), cookie, 'state');
    expect((await house.comeBack(begun, back)).status).toBe(200);
  });

  it('a code of another login', async () => {
    const [mine, theirs] = [await house.begin(), await house.begin()];
    const back = await house.provider.logIn(theirs.authUrl, someone());
    back.searchParams.set('state', mine.state);
    const before = await house.service.database.query('select * from sessions order by id');
    const answer = await house.comeBack(mine, back);
    expect([answer.status, answer.body.detail]).toEqual([401, expect.stringContaining('invalid_grant')]);
    expect(await house.service.database.query('select * from sessions order by id')).toEqual(before);
  });

  it('a code for the second time', async () => {
    const begun = await house.begin();
    const back = await house.provider.logIn(begun.authUrl, someone());
    expect((await house.comeBack(begun, back)).status).toBe(200);
    expectProblem(await house.comeBack(begun, back), 'the same', 'state');
  });

  it('an ID token with another nonce', async () => {
    const begun = await house.begin();
    const authUrl = new URL(begun.authUrl);
    authUrl.searchParams.set('nonce', 'of-somebody-else');
    const who = someone();
    const answer = await house.comeBack(begun, await house.provider.logIn(authUrl.href, who));
    expect([answer.status, answer.body.detail]).toEqual([401, expect.stringContaining('nonce')]);
    expect((await house.admin.get('/api/users')).body.users).not.toContainEqual(
      expect.objectContaining({ username: who }),
    );
  });

  it('an answer that names another issuer', async () => {
    const begun = await house.begin();
    const back = await house.provider.logIn(begun.authUrl, someone());
    back.searchParams.set('iss', 'https://evil.test');
    expect((await house.comeBack(begun, back)).status).toBe(401);
  });

  it('a login that took more than ten minutes', async () => {
    const begun = await house.begin();
    const back = await house.provider.logIn(begun.authUrl, someone());
    house.clock.laterMs = 600_001;
    expectProblem(await house.comeBack(begun, back), 'late', 'state');
    await house.service.app.get(PurgeExpired).purge();
    expect(await house.service.database.query('select 1 from oidc_states')).toEqual([]);
  });

  it('whom the provider refuses', async () => {
    const begun = await house.begin();
    const back = await house.provider.refuse(begun.authUrl);
    const answer = await house.comeBack(begun, back);
    expect([answer.status, answer.body.detail]).toEqual([401, expect.stringContaining('access_denied')]);
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  it('a provider that is switched off, also in the middle of a login', async () => {
    const begun = await house.begin();
    const back = await house.provider.logIn(begun.authUrl, someone());
    await patch({ enabled: false });
    expect((await house.comeBack(begun, back)).status).toBe(401);
    expectProblem(await house.anonymous.get(`${OIDC}/start?provider=keycloak`), 'off', 'provider');
    expect((await house.anonymous.get('/api/cloud/external-auth/available')).body).toEqual({
      oidc: [],
      ldap: [],
      has_external_auth: false,
    });
  });

  it('everyone while the provider is away, and names it', async () => {
    const begun = await house.begin();
    const back = await house.provider.logIn(begun.authUrl, someone());
    await house.provider.stop();
    const answer = await house.comeBack(begun, back);
    // What another replica never asked for it cannot know.
    await house.admin.post(`${PROVIDERS}/keycloak/test`);
    const start = await house.anonymous.get(`${OIDC}/start?provider=keycloak`);
    await house.provider.start();
    for (const { status, body } of [answer, start])
      expect([status, body.detail]).toEqual([503, expect.stringContaining('"keycloak"')]);
    expect((await house.enter(someone())).status).toBe(200);
  });

  it('with a wrong client secret: that is ours to put right', async () => {
    await patch({ config: { client_secret: 'wrong' } });
    const answer = await house.enter(someone());
    expect([answer.status, answer.body.detail]).toEqual([503, expect.stringContaining('client_secret')]);
    expect(JSON.stringify(answer.body)).not.toContain('wrong');
  });
});

describe('the account', () => {
  it('is linked to one that was here, when the provider says that the address is theirs', async () => {
    const person = await house.person('researcher');
    const email = `${person.username}@lineclear.test`;
    const unverified = await house.enter(someone({ email, email_verified: false }));
    expect([unverified.status, unverified.body.detail]).toEqual([403, expect.stringContaining('verified')]);
    expect((await house.enter(someone({ email, email_verified: undefined }))).status).toBe(403);
    const verified = await house.enter(someone({ email: email.toUpperCase() }));
    expect(verified.body.user).toMatchObject({ id: person.id, username: person.username });
    // The address is another person's by now.
    expect((await house.enter(someone({ email }))).status).toBe(403);
  });

  it('that a provider made is not linked by an address that it may have made up', async () => {
    const who = someone({ email: 'boss@corp.test', email_verified: false });
    expect((await house.enter(who)).status).toBe(200);
    expect((await house.enter(someone({ email: 'boss@corp.test' }))).status).toBe(403);
  });

  it('stays closed when it is closed', async () => {
    const who = someone();
    const { id } = (await house.enter(who)).body.user;
    await house.admin.delete(`/api/users/${id}`);
    const answer = await house.enter(who);
    expect([answer.status, answer.body.detail]).toEqual([403, 'this account is closed']);
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  it('is made for nobody where that is off', async () => {
    const known = someone();
    await house.enter(known);
    await patch({ auto_create_users: false });
    expect((await house.enter(someone())).status).toBe(403);
    expect((await house.enter(known)).status).toBe(200);
  });

  it('is not made without an address', async () => {
    for (const email of [undefined, 'no address', 3])
      expect((await house.enter(someone({ email }))).status).toBe(403);
  });

  it('has another name where its own is taken', async () => {
    const person = await house.person('viewer');
    const { body } = await house.enter(someone({ preferred_username: person.username.toUpperCase() }));
    expect(body.user.username).toBe(`${person.username.toUpperCase()}.2`);
  });
});

describe('the level', () => {
  const DN = 'CN=ML-Admins,OU=Groups,DC=corp,DC=com';
  it.each([
    ['by level', { admin: ['ml-admins'] }, roles('ml-admins'), 'admin'],
    ['by group', { [DN]: ['admin'] }, roles('x', DN), 'admin'],
    ['the highest', { lead: ['a'], b: ['viewer'] }, roles('b', 'a'), 'lead'],
    ['by one role as text', { lead: ['a'] }, { realm_access: { roles: 'a' } }, 'lead'],
    ['without a match', { lead: ['a'] }, roles('b'), 'viewer'],
    ['without the claim', { lead: ['a'] }, {}, 'viewer'],
  ])('is what the groups say, %s', async (_, level_mapping, claims, level) => {
    await patch({ level_mapping, default_level: 'viewer' });
    expect(await levelOf(await house.enter(someone(claims)))).toBe(level);
  });

  it('is read from a flat claim too', async () => {
    await patch({ config: { roles_claim: 'groups', scopes: ['openid', 'email', 'groups'] } });
    expect(await levelOf(await house.enter(someone({ groups: ['ml-leads'] })))).toBe('lead');
  });

  it('follows the groups at each login, and tells everyone when it changes', async () => {
    const who = someone(roles('ml-leads'));
    const { id } = (await house.enter(who)).body.user;
    expect(changesOf(id)).toBe(0);
    house.provider.people.set(who, { ...house.provider.people.get(who), ...roles() });
    expect(await levelOf(await house.enter(who))).toBe('researcher');
    await vi.waitFor(() => expect(changesOf(id)).toBe(1));
    expect(await levelOf(await house.enter(who))).toBe('researcher');
    await patch({ level_mapping: {} });
    house.provider.people.set(who, { ...house.provider.people.get(who), ...roles('ml-leads') });
    await house.admin.patch(`/api/users/${id}`, { level: 'viewer' });
    expect(await levelOf(await house.enter(who))).toBe('viewer');
  });

  it('of the last active admin stays', async () => {
    const others = (await house.admin.get('/api/users?limit=500')).body.users as {
      id: number;
      level: string;
    }[];
    for (const { id, level } of others)
      if (level === 'admin' && id !== house.adminId) await house.admin.delete(`/api/users/${id}`);
    const who = someone({ email: ADMIN.email });
    const answer = await house.enter(who);
    expect(answer.body.user).toMatchObject({ id: house.adminId, level: 'admin' });
    const second = await house.enter(someone(roles('ml-admins')));
    expect(await levelOf(second)).toBe('admin');
    expect(await levelOf(await house.enter(who))).toBe('researcher');
    const heir = house.session(second);
    expect((await heir.http.patch(`/api/users/${house.adminId}`, { level: 'admin' })).status).toBe(200);
  });
});

describe('keys', () => {
  it('are remembered, and asked for again when the provider signs with a new one', async () => {
    await house.enter(someone());
    const asked = house.provider.keysAsked();
    await house.enter(someone());
    expect(house.provider.keysAsked()).toBe(asked);
    await house.provider.rotateKeys();
    expect((await house.enter(someone())).status).toBe(200);
    expect(house.provider.keysAsked()).toBe(asked + 1);
  });
});

it('keeps the secret, the state and the verifier in no table as they are', async () => {
  const begun = await house.begin();
  const { database } = house.service;
  const tables = await database.query<{ name: string }>(
    "select tablename as name from pg_tables where schemaname = 'public'",
  );
  const contents = await Promise.all(
    tables.map(({ name }) => database.query<{ row: string }>(`select t::text as row from "${name}" t`)),
  );
  const all = JSON.stringify(contents);
  for (const secret of [CLIENT.secret, begun.state, begun.cookie.split('=')[1]!]) {
    expect(all).not.toContain(secret);
    expect(all).not.toContain(Buffer.from(secret).toString('hex'));
  }
  expect(await database.query('select sealed_secret from identity_providers')).toEqual([
    { sealed_secret: expect.any(Buffer) },
  ]);
});

it('is called as on its own machine it was asked, and else must be told', async () => {
  const answer = await client(house.service.url).get(`${OIDC}/start?provider=keycloak`, {
    'x-forwarded-host': 'localhost:8080',
  });
  const to = new URL(answer.headers.get('location')!);
  expect(to.searchParams.get('redirect_uri')).toBe(`http://localhost:8080${OIDC}/callback`);
  const elsewhere = await client(house.service.url).get(`${OIDC}/start?provider=keycloak`, {
    'x-forwarded-host': 'lineclear.corp.test',
  });
  expect([elsewhere.status, elsewhere.body.detail]).toEqual([
    409,
    expect.stringContaining('auth.public_url'),
  ]);
});
