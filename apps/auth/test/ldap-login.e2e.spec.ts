import { loginFailure } from '@lineclear/contracts';
import { expectProblem, refusesBadInput, type Answer } from '@lineclear/testkit';
import { EqualityFilter } from 'ldapts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { PROVIDERS, withHeaders } from './auth-house.js';
import { BASE, PASSWORD, people, type Relay } from './directory-house.js';
import { LDAP_LOGIN, openLdapHouse, type LdapHouse } from './ldap-house.js';

let house: LdapHouse;
let relay: Relay;
/** Names that want to be more than names; each would find ann, or anybody, if it were. */
const NAMES = [
  '*',
  '**',
  'an*',
  '*ann',
  ')(uid=*',
  '*)(uid=*',
  'ann)(|(uid=ann',
  'ann)(&',
  'ann))(|(uid=*',
  '(uid=ann)',
  ')(objectClass=*',
  '*)(userPassword=*',
  'ann)(!(uid=x)',
  '\\2a',
  '\\61nn',
  '\\',
  'ann\\',
  '\\28uid=ann\\29',
  'ann\r\nmail: x',
  '\u0430nn',
  '\u202eann',
  'ann\u2217',
  '\uff0a',
  'uid=ann',
  `uid=ann,ou=people,${BASE}`,
  'ann,ou=people',
  'ann+cn=ann',
  '#0403616e6e',
  '"ann"',
  '<GUID=00112233>',
  '{username}',
  '{dn}',
  '${jndi:ldap://127.0.0.1/a}',
  '$&',
  "' or '1'='1",
  '-1',
  'ann'.repeat(84),
];

beforeAll(async () => {
  house = await openLdapHouse();
  relay = await house.directories.through(house.slapd.port);
});
afterAll(() => house?.close());
beforeEach(async () => {
  const answer = await house.describe('corporate-ad', { server: relay.url });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
});
afterEach(async () => {
  house.clock.laterMs = 0;
  const { providers } = (await house.admin.get(PROVIDERS)).body as { providers: { name: string }[] };
  for (const { name } of providers) await house.admin.delete(`${PROVIDERS}/${name}`);
});

const rows = (table: string): Promise<unknown[]> => house.service.database.query(`select * from ${table}`);
const patch = (change: object): Promise<Answer> => house.admin.patch(`${PROVIDERS}/corporate-ad`, change);
/** An answer without what is different each time. */
const plain = ({ status, body }: Answer): unknown => ({
  status,
  ...body,
  request_id: undefined,
  instance: undefined,
});

describe('a login', () => {
  it('makes an account and a session that reads and changes like any other', async () => {
    const who = await house.someone({ displayName: ' Ann\tLee ' });
    const answer = await house.enter(who);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    expect(answer.body).toEqual({
      user: expect.objectContaining({
        username: who,
        email: `${who}@corp.test`,
        display_name: 'Ann Lee',
        level: 'researcher',
        last_login_at: expect.any(String),
      }),
      csrf_token: expect.any(String),
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^lineclear_session=[\w-]{43}; Max-Age=86400; Path=\/; HttpOnly; SameSite=Lax$/),
    ]);
    const cookie = answer.headers.getSetCookie()[0]!.split(';')[0]!;
    const http = withHeaders(house.anonymous, { cookie, 'x-csrf-token': answer.body.csrf_token });
    expect((await http.get('/api/auth/me')).body).toMatchObject({ username: who, via: 'session' });
    expect((await http.post('/api/auth/api-keys', { name: 'k' })).status).toBe(201);
    const again = await house.enter(` ${who.toUpperCase()} `, { provider: 'corporate-ad' });
    expect(again.body.user.id).toBe(answer.body.user.id);
    // The directory's password is none of this house's.
    expect(
      (await house.anonymous.post('/api/auth/login', { username: who, password: PASSWORD })).status,
    ).toBe(401);
    const stored = JSON.stringify(await house.rows());
    expect(stored).not.toContain(PASSWORD);
  });

  it('is remembered for thirty days by who asks for it', async () => {
    const answer = await house.enter(await house.someone(), { remember_me: true });
    expect(answer.headers.getSetCookie()[0]).toContain('Max-Age=2592000;');
  });

  it('makes one account of many first logins at once, on two replicas', async () => {
    const who = await house.someone();
    const urls = [house.service.url, house.replica.url];
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => house.enter(who, { at: urls[n % 2]! })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect(new Set(answers.map(({ body }) => body.user.id)).size).toBe(1);
  });

  it('cannot be asked by the page of another site', async () => {
    const body = { username: await house.someone(), password: PASSWORD };
    const asked = relay.filters.length;
    for (const headers of [{ origin: 'https://evil.test' }, { 'sec-fetch-site': 'cross-site' }])
      expect((await house.anonymous.post(LDAP_LOGIN, body, headers as Record<string, string>)).status).toBe(
        403,
      );
    expect(relay.filters).toHaveLength(asked);
  });
});

describe('refuses', () => {
  it('bad input, asks nobody and counts no failure', async () => {
    const [before, asked] = [await house.rows(), relay.filters.length];
    const good = { username: 'ann', password: PASSWORD, provider: 'corporate-ad' };
    await refusesBadInput(house.anonymous.post, LDAP_LOGIN, good, [
      ['username', { ...good, username: '' }],
      ['username', { ...good, username: ' ' }],
      ['username', { ...good, username: 'u'.repeat(255) }],
      ['username', { ...good, username: ['ann'] }],
      ['username', { ...good, username: 'ann\0' }],
      ['username', { ...good, username: '\0ann' }],
      ['username', { ...good, username: 'ann\0)(uid=*' }],
      ['username', { ...good, username: 'ann\ud800' }],
      ['password', { ...good, password: `${PASSWORD}\0` }],
      ['password', { ...good, password: '' }],
      ['password', { ...good, password: undefined }],
      ['password', { ...good, password: 'x'.repeat(257) }],
      ['provider', { ...good, provider: '' }],
      ['provider', { ...good, provider: 'a/b' }],
      ['provider', { ...good, provider: 'nobody' }],
      ['remember_me', { ...good, remember_me: 'yes' }],
    ]);
    expect(await house.rows()).toEqual(before);
    expect(relay.filters).toHaveLength(asked);
  });

  it('a provider that is none, is switched off, or must be named', async () => {
    const who = await house.someone();
    await house.describe('second');
    expectProblem(await house.enter(who), 'several', 'provider');
    expect((await house.enter(who)).body.detail).toContain('corporate-ad, second');
    expect((await house.enter(who, { provider: 'second' })).status).toBe(200);
    await house.admin.patch(`${PROVIDERS}/second`, { enabled: false });
    expectProblem(await house.enter(who, { provider: 'second' }), 'off', 'provider');
    expect((await house.anonymous.get('/api/cloud/external-auth/available')).body).toEqual({
      oidc: [],
      ldap: [{ name: 'corporate-ad' }],
      has_external_auth: true,
    });
    const config = { issuer: 'https://a.test', client_id: 'a' };
    await house.admin.post(PROVIDERS, { name: 'okta', provider_type: 'oidc', config });
    expectProblem(await house.enter(who, { provider: 'okta' }), 'no directory', 'provider');
    await patch({ enabled: false });
    expect((await house.enter(who)).status).toBe(404);
  });

  it('a wrong password and an unknown name in the same words', async () => {
    const who = await house.someone();
    await house.enter(who);
    const bound = relay.binds.length;
    const [wrong, unknown] = [
      await house.enter(who, { password: 'wrong', from: '203.0.113.1' }),
      await house.enter('nobody', { from: '203.0.113.1' }),
    ];
    expect(wrong.status).toBe(401);
    expect(plain(unknown)).toEqual(plain(wrong));
    expect(wrong.headers.getSetCookie()).toEqual([]);
    // Nor does the one take less asking than the other.
    expect(relay.binds.slice(bound)).toEqual([people(who), `cn=lineclear-test-nobody,${BASE}`]);
    expect((await house.enter('nopass', { from: '203.0.113.1' })).status).toBe(401);
    expect((await house.enter('twin', { from: '203.0.113.1' })).status).toBe(401);
  });

  it.each(NAMES)('the name %j, which the directory sees as that name and no more', async (username) => {
    const [before, asked] = [await rows('sessions'), relay.filters.length];
    // So many from one address would be locked out.
    const from = `10.1.1.${NAMES.indexOf(username)}`;
    const answer = await house.enter(username, { from });
    expect(answer.status, JSON.stringify(answer.body)).toBe(401);
    expect(await rows('sessions')).toEqual(before);
    const searched = relay.filters.slice(asked);
    expect(searched).toEqual([expect.any(EqualityFilter)]);
    const [seen] = searched as EqualityFilter[];
    expect([seen?.attribute, String(seen?.value)]).toEqual(['uid', username]);
  });
});

describe('lock-out', () => {
  const wrong = { password: 'wrong' };

  it('makes a name wait longer and longer, from any address, on both replicas, however it is written', async () => {
    const who = await house.someone();
    const at = [house.service.url, house.replica.url];
    const written = [who, who.toUpperCase(), ` ${who}`, `${who}\u00ad`, `p\u0301${who.slice(1)}`];
    for (const [n, name] of written.entries())
      expect((await house.enter(name, { ...wrong, from: `198.51.100.${n}`, at: at[n % 2]! })).status).toBe(
        401,
      );
    const asked = relay.filters.length;
    for (const url of at) {
      const locked = await house.enter(who, { from: '198.51.100.9', at: url });
      expect(locked.status).toBe(429);
      expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(5);
      expect(locked.headers.getSetCookie()).toEqual([]);
    }
    // The directory is not even asked.
    expect(relay.filters).toHaveLength(asked);
    house.clock.laterMs = 10_001;
    expect((await house.enter(who, { ...wrong, from: '198.51.100.9' })).status).toBe(401);
    house.clock.laterMs = 25_000;
    expect((await house.enter(who, { from: '198.51.100.9' })).status).toBe(429);
    house.clock.laterMs = 60_000;
    expect((await house.enter(who, { from: '198.51.100.9' })).status).toBe(200);
    // Forgotten with the right password.
    expect((await house.enter(who, { ...wrong, from: '198.51.100.9' })).status).toBe(401);
    expect((await house.enter(who, { from: '198.51.100.9' })).status).toBe(200);
  });

  it('of a name is that of one provider', async () => {
    const who = await house.someone();
    await house.describe('second');
    const at = (provider: string, password: string): Promise<Answer> =>
      house.enter(who, { provider, password, from: '198.51.101.1' });
    for (let n = 1; n <= 5; n += 1) expect((await at('second', 'wrong')).status).toBe(401);
    expect((await at('second', PASSWORD)).status).toBe(429);
    expect((await at('corporate-ad', PASSWORD)).status).toBe(200);
  });

  it('makes an address wait that tries many names, here and with passwords of this house', async () => {
    const who = await house.someone();
    const from = '198.51.102.1';
    for (let n = 1; n <= 20; n += 1) expect((await house.enter(`guess${n}`, { from })).status).toBe(401);
    expect((await house.enter(who, { from })).status).toBe(429);
    const own = { username: 'guess21', password: PASSWORD };
    expect((await house.anonymous.post('/api/auth/login', own, { 'x-forwarded-for': from })).status).toBe(
      429,
    );
    expect((await house.enter(who, { from: '198.51.102.2' })).status).toBe(200);
  });

  it('lets no burst of guesses through', async () => {
    const who = await house.someone();
    const guesses = Array.from({ length: 40 }, (_, n) =>
      house.enter(who, {
        password: `wrong ${n}`,
        from: `198.51.103.${n}`,
        at: [house.service.url, house.replica.url][n % 2]!,
      }),
    );
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 401 || status === 429)).toHaveLength(40);
    const counted = await house.service.database.query(
      "select failures from login_failures f join identity_providers p on f.key like 'ldap:' || p.id || ':%'",
    );
    expect(counted).toEqual([{ failures: 5 }]);
    expect((await house.enter(who, { from: '198.51.103.99' })).status).toBe(429);
  });

  it('is told to everyone, and the name to nobody: it may be a password', async () => {
    const from = '198.51.104.1';
    await house.enter('oh dear my password', { from });
    await vi.waitFor(() =>
      expect(house.peer.events(loginFailure).filter(({ data }) => data.address === from)).toHaveLength(1),
    );
    const [event] = house.peer.events(loginFailure).filter(({ data }) => data.address === from);
    expect(event?.data).toEqual({ username: '(unknown)', address: from, failures: 1 });
    expect(JSON.stringify(await rows('login_failures'))).not.toContain('dear');
  });
});
