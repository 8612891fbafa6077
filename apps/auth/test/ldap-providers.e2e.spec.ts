import { expectProblem, type Answer } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { PROVIDERS } from './auth-house.js';
import { BASE, pem, populate, SERVICE } from './directory-house.js';
import { openLdapHouse, type LdapHouse } from './ldap-house.js';

let house: LdapHouse;
const DEAD = 'ldap://127.0.0.1:1';
const TLS = { ca_certificate: pem('ca.pem') };

beforeAll(async () => {
  house = await openLdapHouse();
});
afterAll(() => house?.close());
afterEach(() => house.admin.delete(`${PROVIDERS}/corporate-ad`));

const describeIt = async (config: object): Promise<void> => {
  const answer = await house.describe('corporate-ad', config);
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
};
const patch = async (config: object): Promise<void> => {
  const answer = await house.admin.patch(`${PROVIDERS}/corporate-ad`, { config });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
};
const test = (): Promise<Answer> => house.admin.post(`${PROVIDERS}/corporate-ad/test`);
const statusAt = async (url: string, who: string): Promise<number> =>
  (await house.enter(who, { at: url })).status;
const failures = (): Promise<unknown[]> => house.service.database.query('select * from login_failures');

describe('the corporate directory of the handbook', () => {
  it('is taken as it is printed', async () => {
    const printed = {
      name: 'corporate-ad',
      provider_type: 'ldap',
      enabled: true,
      level_mapping: { 'CN=ML-Admins,OU=Groups,DC=corp,DC=com': ['admin'] },
      config: {
        server: 'ldaps://ldap.corp.com:636',
        base_dn: 'DC=corp,DC=com',
        bind_dn: 'CN=svc-simpletuner,OU=Service Accounts,DC=corp,DC=com',
        bind_password: 'service-account-password',
        user_search_filter: '(sAMAccountName={username})',
        use_ssl: true,
      },
    };
    const answer = await house.admin.post(PROVIDERS, printed);
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    const { bind_password: _, ...config } = printed.config;
    expect(answer.body).toMatchObject({ ...printed, config });
    expect((await house.anonymous.get('/api/cloud/external-auth/available')).body.ldap).toEqual([
      { name: 'corporate-ad' },
    ]);
  });
});

describe('encryption', () => {
  it('by ldaps and by StartTLS lets people in, with a certificate of the right authority', async () => {
    const secure = await house.directories.slapd('secure', { ldaps: true });
    await populate(secure);
    await describeIt({ server: secure.url, use_ssl: true, ...TLS });
    expect((await house.enter('ann')).status).toBe(200);
    await patch({ ca_certificate: pem('other-ca.pem') });
    expect((await house.enter('ann')).status).toBe(503);
    await house.admin.delete(`${PROVIDERS}/corporate-ad`);
    await describeIt({ start_tls: true, ...TLS });
    const who = await house.someone();
    expect((await house.enter(who)).status).toBe(200);
    await patch({ ca_certificate: null });
    expect((await house.enter(who)).status).toBe(503);
    expect((await test()).body).toMatchObject({
      success: false,
      error: expect.stringMatching(/certificate/),
    });
  });
});

describe('a server that is away', () => {
  it('is followed by the next', async () => {
    await describeIt({ servers: [DEAD, house.slapd.url] });
    expect((await house.enter(await house.someone())).status).toBe(200);
    expect((await test()).body).toEqual({
      success: true,
      provider: 'corporate-ad',
      latency_ms: expect.any(Number),
    });
  });

  it('and no other is there: nobody is let in, nobody has failed, and who logs in need not know where it is', async () => {
    const who = await house.someone();
    await describeIt({ servers: [DEAD, 'ldap://127.0.0.1:2'] });
    const before = await failures();
    for (let n = 1; n <= 25; n += 1) {
      const answer = await house.enter(who, { password: 'wrong' });
      expect([answer.status, answer.body.detail]).toEqual([
        503,
        'the identity provider "corporate-ad" cannot be reached right now',
      ]);
      expect(answer.headers.get('retry-after')).not.toBeNull();
    }
    expect(await failures()).toEqual(before);
    expect((await test()).body).toMatchObject({
      success: false,
      error: expect.stringMatching(/127\.0\.0\.1:1:.*ECONNREFUSED.*127\.0\.0\.1:2:.*ECONNREFUSED/),
    });
    await patch({ servers: [DEAD, house.slapd.url], bind_password: SERVICE.password });
    expect((await house.enter(who)).status).toBe(200);
  });

  it('is told from an account of bind_dn that it refuses', async () => {
    await describeIt({ bind_password: 'not that one' });
    const before = await failures();
    const answer = await house.enter(await house.someone());
    const { body } = await test();
    expect(answer.status).toBe(503);
    expect(body).toMatchObject({ success: false, error: expect.stringContaining('bind_dn is refused') });
    expect(JSON.stringify([answer.body, body])).not.toContain('not that one');
    expect(await failures()).toEqual(before);
  });
});

describe('a provider that changes', () => {
  it('is another one on each replica from the next login on', async () => {
    const who = await house.someone();
    await describeIt({});
    const urls = [house.service.url, house.replica.url];
    for (const url of urls) expect(await statusAt(url, who)).toBe(200);
    await patch({ bind_password: 'not that one' });
    for (const url of urls) expect(await statusAt(url, who)).toBe(503);
    await patch({ bind_password: SERVICE.password, user_search_filter: '(mail={username})' });
    for (const url of urls) {
      expect(await statusAt(url, who)).toBe(401);
      expect(await statusAt(url, `${who}@corp.test`)).toBe(200);
    }
  });

  it('lets who is just logging in end what they began', async () => {
    const [first, second] = [await house.someone(), await house.someone()];
    const relay = await house.directories.through(house.slapd.port);
    await describeIt({ server: relay.url });
    const release = relay.hold();
    const slow = house.enter(first);
    await vi.waitFor(() => expect(relay.open()).toBe(1));
    await patch({ pool_size: 1 });
    const next = house.enter(second);
    await vi.waitFor(() => expect(relay.open()).toBe(2));
    release();
    expect([(await slow).status, (await next).status]).toEqual([200, 200]);
    // What is left is the connection of the new client.
    await vi.waitFor(() => expect(relay.open()).toBe(1));
  });

  it('or is removed on another replica leaves no connection behind', async () => {
    const who = await house.someone();
    const relay = await house.directories.through(house.slapd.port);
    await describeIt({ server: relay.url });
    await house.describe('other');
    expect((await house.enter(who, { provider: 'corporate-ad', at: house.replica.url })).status).toBe(200);
    await vi.waitFor(() => expect(relay.open()).toBe(1));
    await house.admin.delete(`${PROVIDERS}/corporate-ad`);
    expectProblem(
      await house.enter(who, { provider: 'corporate-ad', at: house.replica.url }),
      'gone',
      'provider',
    );
    await vi.waitFor(() => expect(relay.open()).toBe(0));
    await house.admin.delete(`${PROVIDERS}/other`);
    expect((await house.enter(who)).status).toBe(404);
  });

  it('keeps its people when it gets one server more, and forgets them as another directory', async () => {
    const who = await house.someone();
    await describeIt({});
    const { id } = (await house.enter(who)).body.user;
    await patch({ server: null, servers: [house.slapd.url, DEAD], bind_password: SERVICE.password });
    expect((await house.enter(who)).body.user.id).toBe(id);
    const relay = await house.directories.through(house.slapd.port);
    await patch({ servers: [relay.url], bind_password: SERVICE.password });
    expect((await house.enter(who)).status).toBe(403);
  });
});

describe('connections', () => {
  it('are shared by many who log in at once, and are no more than configured', async () => {
    const relay = await house.directories.through(house.slapd.port);
    await describeIt({ server: relay.url, pool_size: 3 });
    const names = await Promise.all(Array.from({ length: 20 }, () => house.someone()));
    const answers = await Promise.all(names.map((name) => house.enter(name)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    // One that searches and one that proves the password, for each of three.
    expect(relay.peak()).toBeLessThanOrEqual(6);
    await vi.waitFor(() => expect(relay.open()).toBe(3));
  });

  it('end with the service', async () => {
    const who = await house.someone();
    const relay = await house.directories.through(house.slapd.port);
    await describeIt({ server: relay.url });
    const third = await house.startReplica();
    expect(await statusAt(third.url, who)).toBe(200);
    await vi.waitFor(() => expect(relay.open()).toBe(1));
    await third.close();
    await vi.waitFor(() => expect(relay.open()).toBe(0));
  });
});

it('whose settings would not be taken today lets nobody in', async () => {
  const who = await house.someone();
  await describeIt({});
  await house.service.database.query(
    `update identity_providers set config = config || '{"server": "ldap://ldap.corp.com"}' where name = 'corporate-ad'`,
  );
  for (const answer of [await house.enter(who), await test()])
    expect([answer.status, answer.body.detail]).toEqual([
      503,
      expect.stringContaining('cannot be used as it is'),
    ]);
  // What came later has its default.
  await house.service.database.query(
    `update identity_providers set config = (config || $1) - 'trust_email' where name = 'corporate-ad'`,
    [JSON.stringify({ server: house.slapd.url, base_dn: BASE })],
  );
  expect((await house.enter(who)).status).toBe(200);
});
