import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { refusesBadInput, expectProblem } from '@lineclear/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAuthHouse, PROVIDERS, type AuthHouse } from './auth-house.js';

let house: AuthHouse;

beforeAll(async () => {
  house = await openAuthHouse();
});
afterAll(() => house?.close());

const OIDC = {
  name: 'keycloak',
  provider_type: 'oidc',
  enabled: true,
  config: {
    issuer: 'https://keycloak.example.com/realms/ml-training',
    client_id: 'simpletuner',
    client_secret: 'your-client-secret',
    scopes: ['openid', 'email', 'profile', 'roles'],
    roles_claim: 'realm_access.roles',
  },
};
const DN = 'CN=ML-Admins,OU=Groups,DC=corp,DC=com';
const LDAP = {
  name: 'corporate-ad',
  provider_type: 'ldap',
  enabled: true,
  level_mapping: { [DN]: ['admin'] },
  config: {
    server: 'ldaps://ldap.corp.com:636',
    base_dn: 'DC=corp,DC=com',
    bind_dn: 'CN=svc-simpletuner,OU=Service Accounts,DC=corp,DC=com',
    bind_password: 'service-account-password',
    user_search_filter: '(sAMAccountName={username})',
    use_ssl: true,
  },
};
const path = (name: string): string => `${PROVIDERS}/${name}`;
const withConfig = (base: typeof OIDC | typeof LDAP, config: object): object => ({
  ...base,
  config: { ...base.config, ...config },
});
/** Where somebody listened a moment ago. */
const addressOfNobody = async (): Promise<string> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
};
/** As many names as a test needs. */
const named = (name: string, base: object = OIDC): Record<string, unknown> => ({ ...base, name });

describe('a provider', () => {
  it('of OpenID Connect is made as described, and shows no secret', async () => {
    const answer = await house.admin.post(PROVIDERS, OIDC);
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    const { client_secret: _, ...config } = OIDC.config;
    const shown = {
      name: 'keycloak',
      provider_type: 'oidc',
      enabled: true,
      auto_create_users: true,
      default_level: 'researcher',
      level_mapping: {},
      source: 'api',
      config: { ...config, has_client_secret: true },
    };
    expect(answer.body).toEqual(shown);
    expect((await house.admin.get(path('keycloak'))).body).toEqual(shown);
    expect((await house.admin.post(PROVIDERS, OIDC)).status).toBe(409);
  });

  it('that is a directory is made as described, and shows no password', async () => {
    const answer = await house.admin.post(PROVIDERS, LDAP);
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    const { bind_password: _, ...config } = LDAP.config;
    expect(answer.body).toMatchObject({
      provider_type: 'ldap',
      level_mapping: { [DN]: ['admin'] },
      config: {
        ...config,
        start_tls: false,
        nested_groups: false,
        pool_size: 4,
        email_attribute: 'mail',
        has_bind_password: true,
      },
    });
    expectProblem(
      await house.anonymous.get('/api/cloud/external-auth/oidc/start?provider=corporate-ad'),
      'a directory',
      'provider',
    );
  });

  it('is on the lists', async () => {
    const { body } = await house.admin.get(PROVIDERS);
    expect(body.providers.map(({ name }: { name: string }) => name)).toEqual(['corporate-ad', 'keycloak']);
    expect(body.total).toBe(2);
    const secrets = [OIDC.config.client_secret, LDAP.config.bind_password];
    for (const secret of secrets) expect(JSON.stringify(body)).not.toContain(secret);
    expect((await house.anonymous.get('/api/cloud/external-auth/available')).body).toEqual({
      oidc: [{ name: 'keycloak' }],
      ldap: [{ name: 'corporate-ad' }],
      has_external_auth: true,
    });
  });

  it('has its secret sealed in the table, for its row alone', async () => {
    const { database } = house.service;
    const rows = await database.query<{ id: string; text: string }>(
      'select id, t::text as text from identity_providers t',
    );
    for (const secret of [OIDC.config.client_secret, LDAP.config.bind_password]) {
      for (const { text } of rows) {
        expect(text).not.toContain(secret);
        expect(text).not.toContain(Buffer.from(secret).toString('hex'));
      }
    }
  });

  it('takes `issuer_url`, and one scope that has to be', async () => {
    const { issuer, ...config } = OIDC.config;
    const answer = await house.admin.post(PROVIDERS, {
      ...named('okta'),
      default_levels: ['viewer'],
      config: { ...config, issuer_url: issuer, scopes: undefined, roles_claim: undefined },
    });
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    expect(answer.body).toMatchObject({
      default_level: 'viewer',
      config: { issuer, scopes: ['openid', 'email', 'profile'], roles_claim: 'groups' },
    });
  });

  it('changes where something is said, and keeps the rest with its secret', async () => {
    await house.admin.post(PROVIDERS, named('changing', { ...OIDC, level_mapping: { admin: ['a'] } }));
    const secretOf = async (): Promise<unknown> =>
      (
        await house.service.database.query(
          "select sealed_secret from identity_providers where name = 'changing'",
        )
      )[0];
    const before = await secretOf();
    const answer = await house.admin.patch(path('changing'), {
      enabled: false,
      default_level: 'viewer',
      config: { roles_claim: 'groups' },
    });
    expect(answer.body).toMatchObject({
      enabled: false,
      auto_create_users: true,
      default_level: 'viewer',
      level_mapping: { admin: ['a'] },
      config: { issuer: OIDC.config.issuer, roles_claim: 'groups', has_client_secret: true },
    });
    expect(await secretOf()).toEqual(before);
    await house.admin.patch(path('changing'), { config: { client_secret: 'another' } });
    expect(await secretOf()).not.toEqual(before);
    const default_scopes = await house.admin.patch(path('changing'), { config: { scopes: null } });
    expect(default_scopes.body.config.scopes).toEqual(['openid', 'email', 'profile']);
  });

  it('sends its secret to no other issuer or directory, and knows nobody of the next', async () => {
    await house.admin.post(PROVIDERS, named('moving'));
    await house.admin.post(PROVIDERS, named('moving-ad', LDAP));
    const { database } = house.service;
    const [row] = await database.query<{ id: string }>(
      "select id from identity_providers where name = 'moving'",
    );
    await database.query(`insert into external_identities values ($1, 'ada', $2, now(), now())`, [
      row?.id,
      house.adminId,
    ]);
    const issuer = 'https://evil.test';
    expectProblem(
      await house.admin.patch(path('moving'), { config: { issuer } }),
      'issuer',
      'config.client_secret',
    );
    for (const config of [
      { server: 'ldaps://evil.test' },
      { servers: ['ldaps://evil.test'] },
      { servers: [LDAP.config.server, 'ldaps://evil.test'] },
      { bind_dn: 'CN=Administrator,DC=corp,DC=com' },
    ])
      expectProblem(
        await house.admin.patch(path('moving-ad'), { config }),
        JSON.stringify(config),
        'config.bind_password',
      );
    expect(await database.query('select subject from external_identities')).toEqual([{ subject: 'ada' }]);
    const moved = await house.admin.patch(path('moving'), { config: { issuer, client_secret: 'new' } });
    expect(moved.body.config.issuer).toBe(issuer);
    expect(await database.query('select subject from external_identities')).toEqual([]);
  });

  it('is gone when it is removed, with whom it vouched for', async () => {
    const { database } = house.service;
    await house.admin.post(PROVIDERS, named('going'));
    const [row] = await database.query<{ id: string }>(
      "select id from identity_providers where name = 'going'",
    );
    await database.query(`insert into external_identities values ($1, 'ada', $2, now(), now())`, [
      row?.id,
      house.adminId,
    ]);
    expect((await house.admin.delete(path('going'))).body).toEqual({ success: true, name: 'going' });
    expect(await database.query('select 1 from external_identities')).toEqual([]);
    for (const gone of [house.admin.get(path('going')), house.admin.delete(path('going'))])
      expect((await gone).status).toBe(404);
    expect((await house.admin.patch(path('going'), { enabled: true })).status).toBe(404);
    expect((await house.admin.post(path('going') + '/test')).status).toBe(404);
  });

  it('that is not there fails its test, and says why', async () => {
    const issuer = await addressOfNobody();
    await house.admin.post(PROVIDERS, withConfig({ ...OIDC, name: 'away' }, { issuer }));
    const { body } = await house.admin.post(path('away') + '/test');
    expect(body).toEqual({
      success: false,
      provider: 'away',
      latency_ms: expect.any(Number),
      error: expect.stringContaining('ECONNREFUSED'),
    });
    const start = await house.anonymous.get('/api/cloud/external-auth/oidc/start?provider=away');
    expect([start.status, start.body.detail]).toEqual([
      503,
      'the identity provider "away" cannot be reached right now',
    ]);
  });
});

it('is for who may configure the house', async () => {
  const lead = await house.person('lead');
  for (const http of [house.anonymous, lead.http]) {
    const answers = await Promise.all([
      http.get(PROVIDERS),
      http.post(PROVIDERS, named('eve')),
      http.get(path('keycloak')),
      http.patch(path('keycloak'), { enabled: false }),
      http.delete(path('keycloak')),
      http.post(path('keycloak') + '/test'),
    ]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([http === lead.http ? 403 : 401]));
  }
});

it('refuses bad input and writes nothing', async () => {
  const before = await house.rows();
  const good = named('new');
  await refusesBadInput(house.admin.post, PROVIDERS, good, [
    ['name', { ...good, name: '' }],
    ['name', { ...good, name: 'a/b' }],
    ['name', { ...good, name: '-a' }],
    ['name', { ...good, name: 'x'.repeat(64) }],
    ['provider_type', { ...good, provider_type: 'saml' }],
    ['enabled', { ...good, enabled: 'yes' }],
    ['auto_create_users', { ...good, auto_create_users: 1 }],
    ['default_level', { ...good, default_level: 'boss' }],
    ['default_levels', { ...good, default_levels: ['lead', 'admin'] }],
    ['default_levels', { ...good, default_levels: ['lead'], default_level: 'admin' }],
    ['level_mapping', { ...good, level_mapping: [] }],
    ['level_mapping', { ...good, level_mapping: { boss: ['x'] } }],
    ['level_mapping', { ...good, level_mapping: { admin: 'x' } }],
    ['level_mapping', { ...good, level_mapping: { admin: [] } }],
    ['config', { ...good, config: 'x' }],
    ['config', { ...good, config: undefined }],
    ['config.client_id', { ...good, config: {} }],
    ['config.issuer', withConfig(OIDC, { issuer: undefined })],
    ['config.issuer', withConfig(OIDC, { issuer: 'keycloak' })],
    ['config.issuer', withConfig(OIDC, { issuer: 'http://keycloak.example.com' })],
    ['config.issuer', withConfig(OIDC, { issuer: 'https://user@keycloak.example.com' })],
    ['config.issuer', withConfig(OIDC, { issuer: 'https://a.test/.well-known/openid-configuration' })],
    ['config.issuer_url', withConfig(OIDC, { issuer_url: 'https://other.test' })],
    ['config.client_id', withConfig(OIDC, { client_id: undefined })],
    ['config.client_secret', withConfig(OIDC, { client_secret: '' })],
    ['config.scopes', withConfig(OIDC, { scopes: ['email'] })],
    ['config.scopes.0', withConfig(OIDC, { scopes: ['a b', 'openid'] })],
    ['config.roles_claim', withConfig(OIDC, { roles_claim: '' })],
    ['config.server', withConfig(OIDC, { server: 'ldaps://x' })],
    ['config.server', withConfig(LDAP, { server: undefined })],
    ['config.servers', withConfig(LDAP, { servers: ['ldaps://a'] })],
    ['config.use_ssl', withConfig(LDAP, { server: 'ldap://a', start_tls: true })],
    ['config.server', withConfig(LDAP, { server: 'ldap://a', use_ssl: undefined })],
    ['config.start_tls', withConfig(LDAP, { start_tls: true })],
    ['config.group_search_filter', withConfig(LDAP, { group_search_filter: '(cn=x)' })],
    ['config.pool_size', withConfig(LDAP, { pool_size: 0 })],
    ['config.server', withConfig(LDAP, { server: 'https://a' })],
    ['config.base_dn', withConfig(LDAP, { base_dn: '' })],
    ['config.bind_dn', withConfig(LDAP, { bind_dn: undefined })],
    ['config.bind_password', withConfig(LDAP, { bind_password: undefined })],
    ['config.user_search_filter', withConfig(LDAP, { user_search_filter: '(uid=x)' })],
    ['config.use_ssl', withConfig(LDAP, { use_ssl: 'yes' })],
    ['config.ca_certificate', withConfig(LDAP, { ca_certificate: 'x' })],
    ['config.verify_ssl', withConfig(LDAP, { verify_ssl: false })],
  ]);
  const change = { enabled: true };
  await refusesBadInput(house.admin.patch, path('keycloak'), change, [
    ['', {}],
    ['name', { ...change, name: 'other' }],
    ['provider_type', { ...change, provider_type: 'ldap' }],
    ['enabled', { enabled: null }],
    ['level_mapping', { level_mapping: { x: ['y'] } }],
    ['config.client_id', { config: { client_id: null } }],
    ['config.colour', { config: { colour: 'red' } }],
    ['config.has_client_secret', { config: { has_client_secret: false } }],
  ]);
  expect(await house.rows()).toEqual(before);
});
