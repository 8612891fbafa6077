import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startService, type RunningService } from '@lineclear/kit';
import { client, expectProblem, startBackends, type Backends, type Client } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { define } from '../src/app.module.js';
import { ADMIN, PASSWORD, PROVIDERS } from './auth-house.js';
import { KEYCLOAK, OIDC } from './oidc-house.js';
import { CLIENT, startOidcServer, type OidcServer } from './oidc-server.js';

const PUBLIC = 'https://lineclear.corp.test';
let backends: Backends;
let provider: OidcServer;
let service: RunningService;
let admin: Client;

beforeAll(async () => {
  backends = await startBackends();
  provider = await startOidcServer({
    redirectUris: [`${PUBLIC}${OIDC}/callback`],
    logoutUri: `${PUBLIC}${OIDC}/backchannel-logout/okta`,
  });
  const file = join(backends.dir, 'lineclear.yaml');
  await writeFile(
    file,
    `
auth:
  public_url: ${PUBLIC}
  allowed_origins: [https://console.corp.test]
oidc:
  enabled: true
  provider: okta
  client_id: ${CLIENT.id}
  client_secret: "\${OIDC_CLIENT_SECRET}"
  issuer_url: ${provider.issuer}
  role_mapping:
    admin_groups: [ML-Platform-Admins]
    lead_groups: [ML-Leads]
    user_groups: [ML-Researchers]
`,
  );
  const env = { LINECLEAR_CONFIG: file, OIDC_CLIENT_SECRET: CLIENT.secret };
  service = await startService(define(await backends.envFor('auth', env)));
  const anonymous = client(service.url);
  await anonymous.post('/api/auth/setup/first-admin', ADMIN);
  const login = await anonymous.post('/api/auth/login', { username: ADMIN.username, password: PASSWORD });
  const cookie = login.headers.getSetCookie()[0]!.split(';')[0]!;
  const headers = { cookie, 'x-csrf-token': login.body.csrf_token as string };
  const { body } = await anonymous.post('/api/auth/api-keys', { name: 'test' }, headers);
  admin = client(service.url, body.key);
});
afterAll(async () => {
  await service?.close();
  await provider?.stop();
  await backends?.stop();
});

it('is shown as the file has it, with what it left to its kind, and without the secret', async () => {
  const shown = {
    name: 'okta',
    provider_type: 'oidc',
    enabled: true,
    source: 'config_file',
    auto_create_users: true,
    default_level: 'viewer',
    level_mapping: {
      admin: ['ML-Platform-Admins'],
      lead: ['ML-Leads'],
      researcher: ['ML-Researchers'],
      viewer: [],
    },
    config: {
      issuer: provider.issuer,
      client_id: CLIENT.id,
      scopes: ['openid', 'email', 'profile', 'groups'],
      roles_claim: 'groups',
      has_client_secret: true,
    },
  };
  expect((await admin.get(`${PROVIDERS}/okta`)).body).toEqual(shown);
  expect((await admin.get(PROVIDERS)).body).toEqual({ providers: [shown], total: 1 });
  expect((await admin.post(`${PROVIDERS}/okta/test`)).body).toMatchObject({
    success: true,
    provider: 'okta',
  });
  expect((await admin.get('/api/cloud/external-auth/available')).body.oidc).toEqual([{ name: 'okta' }]);
});

it('is not changed by the API', async () => {
  const answers = [
    await admin.post(PROVIDERS, { ...KEYCLOAK(provider.issuer), name: 'okta' }),
    await admin.patch(`${PROVIDERS}/okta`, { enabled: false }),
    await admin.delete(`${PROVIDERS}/okta`),
  ];
  for (const { status, body } of answers)
    expect([status, body.detail]).toEqual([409, expect.stringContaining('configuration file')]);
  expect((await admin.get(PROVIDERS)).body.total).toBe(1);
});

it.each([
  ['ML-Platform-Admins', 'admin'],
  ['ML-Leads', 'lead'],
  ['ML-Researchers', 'researcher'],
  ['Others', 'viewer'],
])(
  'lets somebody of %s in as %s, at the public address, with cookies for https alone',
  async (group, level) => {
    provider.people.set(group, {
      email: `${group}@corp.test`,
      email_verified: true,
      preferred_username: group,
      groups: [group],
    });
    const search = new URLSearchParams({ provider: 'okta', return_to: 'https://console.corp.test/after' });
    const start = await client(service.url).get(`${OIDC}/start?${search}`);
    expect(start.status).toBe(302);
    const back = await provider.logIn(start.headers.get('location')!, group);
    expect(back.origin).toBe(PUBLIC);
    const [begun] = start.headers.getSetCookie();
    const answer = await client(service.url).get(`${OIDC}/callback${back.search}`, {
      cookie: begun!.split(';')[0]!,
    });
    expect([answer.status, answer.headers.get('location')]).toEqual([302, 'https://console.corp.test/after']);
    for (const cookie of [begun, ...answer.headers.getSetCookie()]) expect(cookie).toMatch(/; Secure$/);
    const session = answer.headers.getSetCookie()[0]!.split(';')[0]!;
    expect((await client(service.url).get('/api/auth/me', { cookie: session })).body.level).toBe(level);
  },
);

it('goes to no origin that is not listed', async () => {
  for (const to of [
    'https://evil.test/',
    'https://console.corp.test.evil.test/',
    'http://console.corp.test/',
  ]) {
    const search = new URLSearchParams({ provider: 'okta', return_to: to });
    expectProblem(await client(service.url).get(`${OIDC}/start?${search}`), to, 'return_to');
  }
});
