import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startHouse, type House } from '@lineclear/launcher';
import { makeScratchFolder } from '@lineclear/servers';
import { SYSTEM_LEVEL_NAMES, SYSTEM_LEVELS, type SystemLevel, type Permission } from '@lineclear/contracts';
import { client, expectProblem, HOPELESS_BODIES, type Client } from '@lineclear/testkit';
import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ok, person } from './furnish.js';
import { RIGHTS, type Right } from './route-rights.js';

interface Schema {
  readonly type?: string;
  readonly properties?: Record<string, Schema>;
  readonly required?: string[];
  readonly maxLength?: number;
}
interface Operation {
  readonly security?: unknown[];
  readonly requestBody?: { content: { 'application/json': { schema: Schema } } };
}
interface Route {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
  readonly body: Schema | undefined;
}

let home: string;
let house: House;
let admin: Client;
let routes: Route[];

beforeAll(async () => {
  home = makeScratchFolder('routes');
  house = await startHouse({
    home: join(home, 'house'),
    durable: false,
    env: { ...process.env, LINECLEAR_LOG_LEVEL: 'error' },
  });
  admin = client(house.url, house.adminKey);
  const { paths } = ok(await client(house.url).get('/api/docs/openapi.json')) as {
    paths: Record<string, Record<string, Operation>>;
  };
  routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path: fill(path),
      operation,
      body: operation.requestBody?.content['application/json'].schema,
    })),
  );
}, 120_000);

afterAll(async () => {
  await house?.stop();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

/** A path with something in place of each parameter that is well formed and not there. */
const fill = (path: string): string =>
  path.replace(/\{([^}]+)\}/g, (_, name: string) => {
    if (name === 'provider') return 'local';
    if (name === 'quota_type') return 'concurrent_jobs';
    if (/name|service|prefix/.test(name)) return 'no_such_name';
    if (/job/.test(name) || path.startsWith('/api/cloud/jobs/')) return `job_${'0'.repeat(32)}`;
    if (path.startsWith('/api/approvals/requests/') || /deliveries|notifications\/events/.test(path))
      return '00000000-0000-4000-8000-000000000000';
    return '999999';
  });

const send = (who: Client, { method, path }: Route, body?: unknown) => {
  if (method === 'GET') return who.get(path);
  if (method === 'DELETE') return who.delete(path, undefined, body);
  if (method === 'PUT') return who.put(path, body);
  return method === 'PATCH' ? who.patch(path, body) : who.post(path, body);
};

it('is documented', () => {
  expect(routes.length).toBeGreaterThan(40);
});

it('is closed to anonymous callers, but for health, login, a forgotten password and the first admin', async () => {
  const open = routes.filter(({ operation }) => operation.security?.length === 0).map(({ name }) => name);
  expect(open.filter((name) => RIGHTS[name] !== 'public')).toEqual([]);
  for (const route of routes.filter(({ name }) => !open.includes(name))) {
    const answer = await send(client(house.url), route, {});
    expect(answer.status, route.name).toBe(401);
    expectProblem(answer, route.name);
  }
});

it('has its rights in the table beside this test', () => {
  expect(Object.keys(RIGHTS).toSorted()).toEqual(routes.map(({ name }) => name).toSorted());
});

it('lets in whom the table lets in, and nobody else', async () => {
  const keys: Caller[] = [{ who: 'anonymous' }, { who: 'admin', key: house.adminKey!, level: 'admin' }];
  for (const level of SYSTEM_LEVEL_NAMES.filter((one) => one !== 'admin')) {
    const { key } = await person(house.url, admin, `of-${level}`, level);
    keys.push({ who: level, key, level });
  }
  for (const permission of ['job.view.own', 'admin.users'] as const) {
    const made = await admin.post('/api/auth/api-keys', {
      name: permission,
      scoped_permissions: [permission],
    });
    keys.push({ who: `a key for ${permission}`, key: ok(made, 201).key, level: 'admin', scope: permission });
  }
  const outsider = await person(house.url, admin, 'of-elsewhere', 'lead');
  await organization('elsewhere', 'of-elsewhere');
  keys.push({ who: 'a lead of an organization', key: outsider.key, level: 'lead' });
  const wrong: string[] = [];
  for (const route of routes) {
    for (const caller of keys) {
      const status = await knock(route, caller.key);
      const expected = verdictOn(RIGHTS[route.name]!, caller);
      if (verdictOf(status) !== expected)
        wrong.push(`${route.name} by ${caller.who}: ${status}, and not ${expected}`);
    }
  }
  expect(wrong).toEqual([]);
}, 120_000);

it('is not there for a lead of another organization, where it is of one', async () => {
  const outsider = await person(house.url, admin, 'of-theirs', 'lead');
  await organization('theirs', 'of-theirs');
  await person(house.url, admin, 'of-ours', 'lead');
  const { org, team, user } = await organization('ours', 'of-ours');
  const inside = routes
    .filter(({ path }) => path.startsWith('/api/orgs/'))
    .map((route) => ({
      ...route,
      path: route.path
        .replace('/orgs/999999', `/orgs/${org}`)
        .replace('/teams/999999', `/teams/${team}`)
        .replace('/members/999999', `/members/${user}`),
    }))
    // What is inside is removed before what it is in, and after all else.
    .toSorted((a, b) => rank(a) - rank(b) || b.path.length - a.path.length);
  expect(inside.length).toBeGreaterThan(15);
  const before = await rowCounts();
  for (const route of inside) {
    const answer = await send(outsider, route, goodBody(route, user));
    expect(answer.status, `${route.name}: ${JSON.stringify(answer.body)}`).toBe(404);
  }
  expect(await rowCounts()).toEqual(before);
  // That it was the caller: all of it is there for an admin.
  for (const route of inside) {
    const answer = await send(admin, route, goodBody(route, user));
    expect([200, 201, 409], `${route.name}: ${JSON.stringify(answer.body)}`).toContain(answer.status);
  }
});

const rank = ({ method }: Route): number => (method === 'DELETE' ? 1 : 0);

/** What a route of an organization takes. */
function goodBody({ method, path, body }: Route, user: number): object | undefined {
  if (!body) return undefined;
  if (/\/members\/\d+$/.test(path)) return { role: 'lead' };
  if (path.endsWith('/members')) return { user_id: user };
  if (path.endsWith('/quotas')) return { quota_type: 'concurrent_jobs', limit_value: 3 };
  return method === 'PATCH' ? { name: 'Changed' } : { name: 'Made', slug: 'made' };
}

/** Makes an organization with a team and a ceiling on both, and this person a member of it. */
async function organization(
  slug: string,
  username: string,
): Promise<{ org: number; team: number; user: number }> {
  const { users } = ok(await admin.get('/api/users?limit=200')) as {
    users: { id: number; username: string }[];
  };
  const user = users.find((one) => one.username === username)!.id;
  const named = { name: slug, slug };
  const org: number = ok(await admin.post('/api/orgs', named), 201).organization.id;
  const team: number = ok(await admin.post(`/api/orgs/${org}/teams`, named), 201).team.id;
  ok(await admin.post(`/api/orgs/${org}/teams/${team}/members`, { user_id: user }), 201);
  const ceiling = { quota_type: 'concurrent_jobs', limit_value: 3 };
  for (const whole of [`/api/orgs/${org}`, `/api/orgs/${org}/teams/${team}`])
    ok(await admin.post(`${whole}/quotas`, ceiling), 201);
  return { org, team, user };
}

interface Caller {
  readonly who: string;
  readonly key?: string;
  readonly level?: SystemLevel;
  /** The one permission that the key's scope holds. */
  readonly scope?: Permission;
}
type Verdict = 'unknown' | 'refused' | 'let in' | 'failed';

function verdictOf(status: number): Verdict {
  if (status >= 500) return 'failed';
  return status === 401 ? 'unknown' : status === 403 ? 'refused' : 'let in';
}

function verdictOn(right: Right, { level, scope }: Caller): Verdict {
  if (right === 'public') return 'let in';
  if (level === undefined) return 'unknown';
  if (right === 'unscoped') return scope === undefined ? 'let in' : 'refused';
  const held = scope === undefined ? SYSTEM_LEVELS[level].permissions : [scope];
  return right === 'anyone' || right.some((permission) => held.includes(permission)) ? 'let in' : 'refused';
}

/** The status of a call that changes nothing even for those who are let in: what it is about is not there, or it lacks its body. */
async function knock({ method, path }: Route, key: string | undefined): Promise<number> {
  const enough = new AbortController();
  const answer = await fetch(new URL(path, house.url), {
    method,
    signal: enough.signal,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(method === 'GET' ? {} : { 'content-type': 'application/json' }),
    },
    ...(method === 'GET' ? {} : { body: '{"no_such_field":1}' }),
  });
  // Some answers never end.
  enough.abort();
  return answer.status;
}

it('refuses every hopeless body with a problem, and every wrong field by its name, and writes nothing', async () => {
  const before = await rowCounts();
  for (const route of routes) {
    const { body } = route;
    if (!body) continue;
    for (const [what, bytes] of HOPELESS_BODIES)
      expectProblem(await send(admin, route, bytes), `${route.name}: ${what}`);
    expectProblem(
      await send(admin, route, { no_such_field: 1 }),
      `${route.name}: unknown field`,
      body.properties && 'no_such_field',
    );
    if (body.required?.length) {
      const answer = await send(admin, route, {});
      for (const field of body.required) expectProblem(answer, `${route.name}: without ${field}`, field);
    }
    for (const wrong of wrongBodies(body.properties ?? {})) {
      const answer = await send(admin, route, wrong);
      for (const [field, value] of Object.entries(wrong))
        expectProblem(answer, `${route.name}: ${field} = ${JSON.stringify(value).slice(0, 40)}`, field);
    }
  }
  expect(await rowCounts()).toEqual(before);
}, 240_000);

/** Bodies whose fields are all wrong, each in every way: of one kind with the others, and too long alone. */
function wrongBodies(properties: Record<string, Schema>): Record<string, unknown>[] {
  const fields = Object.entries(properties);
  const together = [0, 1, 2].map((way) =>
    Object.fromEntries(
      fields.flatMap(([field, { type = '' }]) => {
        const values = WRONG[type] ?? [];
        return way < values.length ? [[field, values[way]]] : [];
      }),
    ),
  );
  const tooLong = fields.flatMap(([field, { type, maxLength = 0 }]) =>
    type === 'string' ? [{ [field]: 'x'.repeat(Math.max(300_000, maxLength + 1)) }] : [],
  );
  return [...together.filter((body) => Object.keys(body).length > 0), ...tooLong];
}
const WRONG: Readonly<Record<string, readonly unknown[]>> = {
  string: [{ not: 'a string' }, ['x']],
  number: ['many', {}, -1e308],
  integer: ['many', {}, -1e308],
  boolean: ['perhaps', 3],
  array: [{}, 'x', 3],
  object: ['x', 3, []],
};

/** Rows per table in all databases, but for tables that note requests as such. */
async function rowCounts(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const [service, { databaseUrl }] of Object.entries(house.services)) {
    if (!databaseUrl) continue;
    const database = new pg.Client({ connectionString: databaseUrl });
    await database.connect();
    const { rows: tables } = await database.query<{ name: string }>(
      "select tablename as name from pg_tables where schemaname = 'public' order by 1",
    );
    for (const { name } of tables) {
      if (/^(inbox|outbox|sent)$|^audit_|failure|throttle|migrations/.test(name)) continue;
      const { rows } = await database.query<{ n: number }>(`select count(*)::int as n from "${name}"`);
      counts[`${service}.${name}`] = rows[0]!.n;
    }
    await database.end();
  }
  return counts;
}

it('tells the audit log of what is done and refused in every service, by whom', async () => {
  const { key } = await person(house.url, admin, 'audited', 'viewer');
  const viewer = client(house.url, key);
  const rule = { name: 'audited', condition: 'first_job', required_approver_level: 'lead' };
  const channel = { channel_type: 'webhook', name: 'audited', webhook_url: 'https://hooks.lineclear.test/x' };
  const secret = { name: 'AUDITED', value: 'hunter2', scope: 'global' };
  const limits = { max_concurrent: 7 };
  const sent: [service: string, action: string, path: string, body: object][] = [
    ['secrets', 'secret.set', '/api/secrets', secret],
    ['approvals', 'approval_rule.created', '/api/approvals/rules', rule],
    ['notifier', 'channel.created', '/api/cloud/notifications/channels', channel],
    ['queue-scheduler', 'queue.limits_changed', '/api/queue/concurrency', limits],
  ];
  for (const [, action, path, body] of sent) {
    expect((await admin.post(path, body)).status, action).toBeLessThan(300);
    expect((await viewer.post(path, body)).status, action).toBe(403);
  }
  for (const [service, action, path] of sent) {
    await vi.waitFor(async () => {
      const { entries } = ok(await admin.get(`/api/audit?service=${service}&action=${action}`));
      const done = { by: 'person', actor_username: 'admin', outcome: 'done' };
      expect(entries, action).toContainEqual(expect.objectContaining(done));
    });
    await vi.waitFor(async () => {
      const refused = ok(await admin.get(`/api/audit?service=${service}&action=access.refused&limit=500`));
      const mine = refused.entries.filter(
        (one: { actor_username: string }) => one.actor_username === 'audited',
      );
      expect(mine, action).toMatchObject([{ details: { method: 'POST', route: path } }]);
    });
  }
  expect(JSON.stringify(ok(await admin.get('/api/audit/export')))).not.toContain('hunter2');
  expect(ok(await admin.get('/api/audit/verify'))).toMatchObject({ valid: true });
});

it('has no route that changes something and tells the audit log nothing', async () => {
  for (const [service, { url, databaseUrl }] of Object.entries(house.services)) {
    if (!databaseUrl) continue;
    const metrics = await (await fetch(new URL('/metrics', url))).text();
    expect(metrics).toContain('# TYPE lineclear_audit_missing_total');
    expect(metrics.match(/^lineclear_audit_missing_total\{.*/gm) ?? [], service).toEqual([]);
  }
});
