import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startHouse, type House } from '@lineclear/launcher';
import { makeScratchFolder } from '@lineclear/servers';
import { client, type Answer, type Client } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ok } from './furnish.js';

/** As the guide for operators prints them; each must work for who copies it. */
const PRINTED = String.raw`
curl -X POST http://localhost:8080/api/cloud/external-auth/providers \
  -H "Authorization: Bearer $ADMIN_TOKEN" \
  -d '{
    "name": "keycloak",
    "provider_type": "oidc",
    "enabled": true,
    "config": {
      "issuer": "https://keycloak.example.com/realms/ml-training",
      "client_id": "simpletuner",
      "client_secret": "your-client-secret",
      "scopes": ["openid", "email", "profile", "roles"],
      "roles_claim": "realm_access.roles"
    }
  }'

curl -X POST http://localhost:8080/api/cloud/external-auth/providers \
  -H "Authorization: Bearer $ADMIN_TOKEN" \
  -d '{
    "name": "corporate-ad",
    "provider_type": "ldap",
    "enabled": true,
    "level_mapping": {
      "CN=ML-Admins,OU=Groups,DC=corp,DC=com": ["admin"]
    },
    "config": {
      "server": "ldaps://ldap.corp.com:636",
      "base_dn": "DC=corp,DC=com",
      "bind_dn": "CN=svc-simpletuner,OU=Service Accounts,DC=corp,DC=com",
      "bind_password": "service-account-password",
      "user_search_filter": "(sAMAccountName={username})",
      "use_ssl": true
    }
  }'

curl -X POST http://localhost:8080/api/users \
  -H "Authorization: Bearer $ADMIN_TOKEN" \
  -d '{
    "email": "jsmith@example.com",
    "username": "jsmith",
    "password": "secure_password_123",
    "level_names": ["researcher"]
  }'

curl -X POST http://localhost:8080/api/users/123/permissions \
  -H "Authorization: Bearer $ADMIN_TOKEN" \
  -d '{"permission_name": "admin.approve", "granted": true}'

curl -X POST http://localhost:8080/api/orgs \
  -H "Authorization: Bearer $ADMIN_TOKEN" \
  -d '{"name": "ML Research", "slug": "ml-research"}'

curl -X POST http://localhost:8080/api/orgs/1/quotas \
  -H "Authorization: Bearer $ADMIN_TOKEN" \
  -d '{"quota_type": "concurrent_jobs", "limit_value": 100, "action": "block"}'

curl -X POST http://localhost:8080/api/orgs/1/teams \
  -H "Authorization: Bearer $ADMIN_TOKEN" \
  -d '{"name": "NLP Team", "slug": "nlp"}'

curl -X POST http://localhost:8080/api/orgs/1/teams/1/members \
  -H "Authorization: Bearer $ADMIN_TOKEN" \
  -d '{"user_id": 123, "role": "member"}'
`;

interface Line {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}
const LINE = /^curl -X (\w+) http:\/\/localhost:8080(\S+) \\\n {2}-H "([^"]+)" \\\n {2}-d '([^']*)'$/gm;
const LINES: readonly Line[] = [...PRINTED.matchAll(LINE)].map(([, method, path, header, body]) => {
  expect(header).toBe('Authorization: Bearer $ADMIN_TOKEN');
  return { method: method!, path: path!, body: body! };
});

let home: string;
let house: House;
let admin: Client;

beforeAll(async () => {
  home = makeScratchFolder('printed');
  house = await startHouse({
    home: join(home, 'house'),
    durable: false,
    env: { ...process.env, LINECLEAR_LOG_LEVEL: 'error' },
  });
  admin = client(house.url, house.adminKey);
}, 120_000);

afterAll(async () => {
  await house?.stop();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

/** Sends the printed line of this path (the first, or one whose body holds `mark`) as curl's -d does: JSON that says it is a form. */
async function run(printed: string, { mark = '', as = (text: string) => text } = {}): Promise<Answer> {
  const found = LINES.filter(({ path, body }) => path === printed && body.includes(mark));
  expect(found, printed).toHaveLength(1);
  const { method, path, body } = found[0]!;
  expect(method).toBe('POST');
  return admin.post(as(path), as(body), { 'content-type': 'application/x-www-form-urlencoded' });
}

/** Logs in with the printed password, and gives what a browser would then send. */
async function logIn(): Promise<{ cookie: string }> {
  const login = await client(house.url).post('/api/auth/login', {
    username: 'jsmith',
    password: 'secure_password_123',
  });
  expect(ok(login)).toMatchObject({ user: { username: 'jsmith' }, csrf_token: expect.any(String) });
  const cookies = login.headers.getSetCookie().map((line) => line.split(';')[0]);
  return { cookie: cookies.join('; ') };
}

it('has every line here read as one', () => {
  expect(LINES).toHaveLength(PRINTED.match(/^curl /gm)!.length);
});

it('makes a researcher who logs in with the printed password, and whom a permission lets approve', async () => {
  const user = ok(await run('/api/users'), 201);
  expect(user).toMatchObject({
    id: expect.any(Number),
    username: 'jsmith',
    email: 'jsmith@example.com',
    level: 'researcher',
    level_names: ['researcher'],
    is_active: true,
    org: null,
  });
  expect(user.permissions).not.toContain('admin.approve');
  const browser = client(house.url);
  const session = await logIn();
  expect((await browser.get('/api/approvals/requests', session)).status).toBe(403);

  const as = (text: string) => text.replace('/123/', `/${user.id}/`);
  ok(await run('/api/users/123/permissions', { as }));
  const permissions = ok(await admin.get(`/api/users/${user.id}/permissions`));
  expect(permissions).toMatchObject({
    user_id: user.id,
    level: 'researcher',
    overrides: [{ permission_name: 'admin.approve', granted: true }],
  });
  expect(permissions.permissions).toEqual(expect.arrayContaining(['admin.approve', 'job.submit']));
  expect(permissions.level_permissions).not.toContain('admin.approve');
  await vi.waitFor(async () => {
    expect(ok(await browser.get('/api/approvals/requests', session))).toMatchObject({
      requests: [],
      total: 0,
    });
  });
});

it('puts them under the ceiling of an organization, in a team of it', async () => {
  const { organization } = ok(await run('/api/orgs'), 201);
  expect(organization).toMatchObject({ id: 1, name: 'ML Research', slug: 'ml-research' });
  expect(ok(await run('/api/orgs/1/quotas'), 201)).toMatchObject({
    scope: 'org',
    org_id: 1,
    quota_type: 'concurrent_jobs',
    limit_value: 100,
    action: 'block',
  });
  const { team } = ok(await run('/api/orgs/1/teams'), 201);
  expect(team).toMatchObject({ id: 1, org_id: 1, name: 'NLP Team', slug: 'nlp' });

  const session = await logIn();
  const { id } = ok(await client(house.url).get('/api/users/me', session));
  const as = (text: string) => text.replace('"user_id": 123', `"user_id": ${id}`);
  const { member } = ok(await run('/api/orgs/1/teams/1/members', { as }), 201);
  expect(member).toMatchObject({ user_id: id, username: 'jsmith', role: 'member' });

  const standing = ok(await client(house.url).get('/api/quotas/me', session));
  const ceiling = { scope: 'org', subject: '1', limit: 100 };
  const limited = {
    quota_type: 'concurrent_jobs',
    limit: 100,
    use: 0,
    remaining: 100,
    // Nothing is set for the person alone.
    source: null,
    binding: ceiling,
    action: 'block',
    ceilings: [{ ...ceiling, use: 0, remaining: 100, action: 'block' }],
  };
  expect(standing).toMatchObject({
    user_id: id,
    org: { id: 1, slug: 'ml-research' },
    default_team_id: 1,
    teams: [{ team_id: 1, slug: 'nlp', role: 'member', is_default: true }],
  });
  expect(standing.quotas).toContainEqual(limited);
  expect(standing.teams[0].quotas).toContainEqual(limited);
});

it('lets people log in with Keycloak and with a directory, and shows neither one’s secret', async () => {
  const providers = '/api/cloud/external-auth/providers';
  const keycloak = ok(await run(providers, { mark: '"keycloak"' }), 201);
  expect(keycloak).toMatchObject({
    name: 'keycloak',
    provider_type: 'oidc',
    enabled: true,
    config: {
      issuer: 'https://keycloak.example.com/realms/ml-training',
      client_id: 'simpletuner',
      has_client_secret: true,
      scopes: ['openid', 'email', 'profile', 'roles'],
      roles_claim: 'realm_access.roles',
    },
  });
  const directory = ok(await run(providers, { mark: '"corporate-ad"' }), 201);
  expect(directory).toMatchObject({
    name: 'corporate-ad',
    provider_type: 'ldap',
    enabled: true,
    level_mapping: { 'CN=ML-Admins,OU=Groups,DC=corp,DC=com': ['admin'] },
    config: {
      server: 'ldaps://ldap.corp.com:636',
      base_dn: 'DC=corp,DC=com',
      bind_dn: 'CN=svc-simpletuner,OU=Service Accounts,DC=corp,DC=com',
      has_bind_password: true,
      user_search_filter: '(sAMAccountName={username})',
      use_ssl: true,
    },
  });
  expect(ok(await client(house.url).get('/api/cloud/external-auth/available'))).toEqual({
    oidc: [{ name: 'keycloak' }],
    ldap: [{ name: 'corporate-ad' }],
    has_external_auth: true,
  });
  const listed = ok(await admin.get(providers));
  expect(listed).toMatchObject({ providers: [directory, keycloak], total: 2 });
  expect(JSON.stringify(listed)).not.toMatch(/your-client-secret|service-account-password/);
});
