import {
  introspect,
  principalChanged,
  principalsChanged,
  SYSTEM_LEVEL_NAMES,
  SYSTEM_LEVELS,
  type Principal,
} from '@lineclear/contracts';
import { hashToken } from '@lineclear/access';
import { expectProblem, refusesBadInput } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { lockRights } from '../src/db/users.repo.js';
import { openAuthHouse, PROVIDERS, type AuthHouse } from './auth-house.js';

let house: AuthHouse;
const USERS = '/api/users';
const LEVELS = `${USERS}/levels`;
const RULES = `${USERS}/resource-rules`;

beforeAll(async () => {
  house = await openAuthHouse();
});
afterAll(() => house?.close());
beforeEach(async () => {
  const { database } = house.service;
  await database.query('delete from identity_providers');
  await database.query('delete from resource_rules');
  await database.query(
    `update users set level = 'viewer' where level not in ('viewer', 'researcher', 'lead', 'admin')`,
  );
  await database.query('delete from levels where not is_system');
});

const SENIOR = { name: 'senior', priority: 25, permissions: ['job.view.own', 'job.submit', 'job.view.all'] };
const make = async (more: object = {}) => {
  const answer = await house.admin.post(LEVELS, { ...SENIOR, ...more });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return answer.body;
};
const principalOf = async (token: string): Promise<Principal> =>
  (await house.peer.ask(introspect, { kind: 'api_key', token_sha256: hashToken(token) })).principal!;

it('begins with the four levels of the matrix', async () => {
  const { body } = await house.admin.get(`${USERS}/meta/levels`);
  expect(body.total).toBe(4);
  expect(body.levels).toEqual(
    SYSTEM_LEVEL_NAMES.map((name) => ({
      name,
      description: expect.stringMatching(/./),
      priority: SYSTEM_LEVELS[name].priority,
      is_system: true,
      permissions: SYSTEM_LEVELS[name].permissions,
      users: expect.any(Number),
    })),
  );
});

describe('a level', () => {
  it('is made between others, and shown both ways round', async () => {
    const made = await make({ description: 'Long with us', permissions: ['job.submit', 'job.view.own'] });
    expect(made).toEqual({
      name: 'senior',
      description: 'Long with us',
      priority: 25,
      is_system: false,
      permissions: ['job.view.own', 'job.submit'],
      users: 0,
    });
    await house.person('senior');
    expect((await house.admin.get(`${LEVELS}/senior`)).body).toEqual({ ...made, users: 1 });
    const { levels } = (await house.admin.get(`${USERS}/meta/levels`)).body;
    expect(levels.map(({ name }: { name: string }) => name)).toEqual([
      'viewer',
      'researcher',
      'senior',
      'lead',
      'admin',
    ]);
    const { permissions } = (await house.admin.get(`${USERS}/meta/permissions`)).body;
    expect(permissions).toContainEqual({
      name: 'job.submit',
      levels: ['researcher', 'senior', 'lead', 'admin'],
    });
  });

  it('refuses bad input', async () => {
    await make();
    const before = await house.rows();
    const other = { ...SENIOR, name: 'other', priority: 26 };
    await refusesBadInput(house.admin.post, LEVELS, other, [
      ['name', { ...other, name: undefined }],
      ['name', { ...other, name: 'Other' }],
      ['name', { ...other, name: '2nd' }],
      ['name', { ...other, name: 'x'.repeat(41) }],
      ['description', { ...other, description: 'x'.repeat(501) }],
      ['description', { ...other, description: 'a\nb' }],
      ['priority', { ...other, priority: undefined }],
      ['priority', { ...other, priority: 0 }],
      ['priority', { ...other, priority: 100 }],
      ['priority', { ...other, priority: 25.5 }],
      ['permissions', { ...other, permissions: ['job.*'] }],
      ['permissions', { ...other, permissions: 'job.submit' }],
    ]);
    await refusesBadInput(house.admin.put, `${LEVELS}/senior`, { priority: 26 }, [
      ['priority', {}],
      ['priority', { priority: 100 }],
      ['description', { priority: 26, description: 5 }],
    ]);
    await refusesBadInput(house.admin.put, `${LEVELS}/senior/permissions`, { permission_names: [] }, [
      ['permission_names', {}],
      ['permission_names', { permission_names: ['admin.*'] }],
    ]);
    expectProblem(await house.admin.get(`${LEVELS}/Senior`), 'a bad name', 'name');
    const taken = [
      await house.admin.post(LEVELS, { ...other, name: 'senior' }),
      await house.admin.post(LEVELS, { ...other, name: 'lead' }),
      await house.admin.post(LEVELS, { ...other, priority: 25 }),
      await house.admin.post(LEVELS, { ...other, priority: 30 }),
      await house.admin.put(`${LEVELS}/senior`, { priority: 20 }),
    ];
    expect(taken.map(({ status }) => status)).toEqual([409, 409, 409, 409, 409]);
    const unknown = [
      await house.admin.get(`${LEVELS}/nobody`),
      await house.admin.put(`${LEVELS}/nobody`, { priority: 26 }),
      await house.admin.put(`${LEVELS}/nobody/permissions`, { permission_names: [] }),
      await house.admin.delete(`${LEVELS}/nobody`),
    ];
    expect(unknown.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
    expect(await house.rows()).toEqual(before);
  });

  it('of the system stays as it is', async () => {
    const before = await house.rows();
    for (const name of SYSTEM_LEVEL_NAMES) {
      const answers = [
        await house.admin.put(`${LEVELS}/${name}`, { priority: 26 }),
        await house.admin.put(`${LEVELS}/${name}/permissions`, { permission_names: ['config.view'] }),
        await house.admin.delete(`${LEVELS}/${name}`),
      ];
      expect(answers.map(({ status }) => status)).toEqual([409, 409, 409]);
      expect(answers[1]!.body.detail).toContain('stay as they are');
    }
    expect(await house.rows()).toEqual(before);
  });

  it('opens a route to its people, and closes it, with the next request', async () => {
    await make();
    const person = await house.person('senior');
    expect((await person.http.get(USERS)).status).toBe(403);
    const set = (permission_names: string[]) =>
      house.admin.put(`${LEVELS}/senior/permissions`, { permission_names });
    expect((await set(['job.view.own', 'admin.users'])).body.permissions).toEqual([
      'job.view.own',
      'admin.users',
    ]);
    expect((await person.http.get(USERS)).status).toBe(200);
    expect((await principalOf(person.token)).permissions).toEqual(['job.view.own', 'admin.users']);
    // What one person is denied no level gives them.
    const denial = { permission_name: 'admin.users', granted: false };
    await house.admin.post(`${USERS}/${person.id}/permissions`, denial);
    expect((await person.http.get(USERS)).status).toBe(403);
    await house.admin.delete(`${USERS}/${person.id}/permissions/admin.users`);
    expect((await person.http.get(USERS)).status).toBe(200);
    await set(['job.view.own']);
    expect((await person.http.get(USERS)).status).toBe(403);
  });

  it('tells the others whose rights it changed, or whose reach', async () => {
    const told = () => house.peer.events(principalsChanged).map(({ data }) => data.levels?.join() ?? 'all');
    const tells = async (change: Promise<unknown>, whom: string) => {
      const before = told();
      await change;
      await vi.waitFor(() => expect(told()).toEqual([...before, whom]));
    };
    await tells(make(), 'all');
    await tells(
      house.admin.put(`${LEVELS}/senior/permissions`, { permission_names: ['job.submit'] }),
      'senior',
    );
    await tells(house.admin.put(`${LEVELS}/senior`, { priority: 35 }), 'all');
    await tells(house.admin.delete(`${LEVELS}/senior`), 'all');
  });

  it('is reached by its own people and those above', async () => {
    const people = [
      await house.person('researcher'),
      await house.person('lead'),
      await house.person('admin'),
    ];
    const reaches = async () =>
      Promise.all(people.map(async ({ token }) => (await principalOf(token)).reaches.includes('senior')));
    await make();
    const senior = await house.person('senior');
    expect(await principalOf(senior.token)).toMatchObject({
      level: 'senior',
      level_priority: 25,
      reaches: ['viewer', 'researcher', 'senior'],
      permissions: SENIOR.permissions,
    });
    expect(await reaches()).toEqual([false, true, true]);
    await house.admin.put(`${LEVELS}/senior`, { priority: 35, description: 'higher now' });
    expect(await reaches()).toEqual([false, false, true]);
    expect((await principalOf(senior.token)).reaches).toContain('lead');
  });
});

describe('nobody', () => {
  const manager = async () => {
    const permissions = ['admin.users', ...SYSTEM_LEVELS.researcher.permissions];
    await make({ name: 'manager', priority: 50, permissions });
    return house.person('manager');
  };

  it('makes or changes a level beyond what they hold', async () => {
    const { http } = await manager();
    await make({ name: 'director', priority: 60, permissions: ['job.view.own'] });
    await make({ name: 'buyer', priority: 40, permissions: ['admin.config'] });
    const before = await house.rows();
    const level = { name: 'mine', priority: 45, permissions: ['job.submit'] };
    const answers = [
      await http.post(LEVELS, { ...level, priority: 61 }),
      await http.post(LEVELS, { ...level, permissions: ['job.view.all'] }),
      await http.put(`${LEVELS}/director`, { priority: 45 }),
      await http.put(`${LEVELS}/director/permissions`, { permission_names: [] }),
      await http.delete(`${LEVELS}/director`),
      await http.put(`${LEVELS}/buyer`, { priority: 41 }),
      await http.put(`${LEVELS}/buyer/permissions`, { permission_names: [] }),
      await http.delete(`${LEVELS}/buyer`),
      await http.put(`${LEVELS}/manager`, { priority: 99 }),
    ];
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 403));
    expect(await house.rows()).toEqual(before);
    expect((await http.post(LEVELS, level)).status).toBe(201);
    expect((await http.put(`${LEVELS}/mine`, { priority: 46 })).body.priority).toBe(46);
    expect((await http.put(`${LEVELS}/mine/permissions`, { permission_names: [] })).status).toBe(200);
    expect((await http.delete(`${LEVELS}/mine`)).status).toBe(200);
  });

  it('makes one with a key that may do less than it', async () => {
    const { body } = await house.admin.post('/api/auth/api-keys', {
      name: 'narrow',
      scoped_permissions: ['admin.users', 'job.view.own'],
    });
    const http = house.key(body.key);
    expect((await http.post(LEVELS, SENIOR)).status).toBe(403);
    expect((await http.post(LEVELS, { ...SENIOR, permissions: ['job.view.own'] })).status).toBe(201);
    expect(
      (await http.put(`${LEVELS}/senior/permissions`, { permission_names: ['queue.manage'] })).status,
    ).toBe(403);
  });

  it('takes rights from themselves by way of their level', async () => {
    const { http } = await manager();
    const before = await house.rows();
    const answers = [
      await http.put(`${LEVELS}/manager`, { priority: 49 }),
      await http.put(`${LEVELS}/manager/permissions`, { permission_names: ['admin.users'] }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([409, 409]);
    expect(await house.rows()).toEqual(before);
    expect(
      (await http.put(`${LEVELS}/manager`, { priority: 50, description: 'looks after us' })).status,
    ).toBe(200);
  });

  it('gives somebody a level above their own', async () => {
    const { http } = await manager();
    const person = await house.person('viewer');
    await make({ name: 'director', priority: 60, permissions: [] });
    expect((await http.post(`${USERS}/${person.id}/levels`, { level_name: 'director' })).status).toBe(403);
    const { status, body } = await http.post(`${USERS}/${person.id}/levels`, { level_name: 'researcher' });
    expect([status, body.level, body.level_names]).toEqual([200, 'researcher', ['researcher']]);
    await vi.waitFor(() =>
      expect(house.peer.events(principalChanged).map(({ data }) => data.user_id)).toContain(person.id),
    );
  });
});

const PROVIDER = {
  name: 'okta',
  provider_type: 'oidc',
  config: { issuer: 'https://okta.example.com', client_id: 'lineclear' },
};

describe('a level that is in use', () => {
  it('stays while anybody has it, closed accounts too', async () => {
    await make();
    const people = [await house.person('senior'), await house.person('senior')];
    await house.admin.delete(`${USERS}/${people[0]!.id}`);
    const refused = await house.admin.delete(`${LEVELS}/senior`);
    expect([refused.status, refused.body.detail]).toEqual([409, expect.stringContaining('2 accounts')]);
    for (const { id } of people) await house.admin.patch(`${USERS}/${id}`, { level: 'viewer' });
    const removed = await house.admin.delete(`${LEVELS}/senior`);
    expect([removed.status, removed.body]).toEqual([200, { success: true, name: 'senior' }]);
    expect((await house.admin.get(`${LEVELS}/senior`)).status).toBe(404);
  });

  it.each([
    ['by default', { default_level: 'senior' }, { default_level: 'researcher' }],
    ['for a group', { level_mapping: { senior: ['old-hands'] } }, { level_mapping: {} }],
    ['written the other way', { level_mapping: { 'old-hands': ['senior'] } }, { level_mapping: {} }],
  ])('stays while an identity provider gives it %s', async (_, more, less) => {
    await make();
    expect((await house.admin.post(PROVIDERS, { ...PROVIDER, ...more })).status).toBe(201);
    const refused = await house.admin.delete(`${LEVELS}/senior`);
    expect([refused.status, refused.body.detail]).toEqual([409, expect.stringContaining('"okta"')]);
    expect((await house.admin.patch(`${PROVIDERS}/okta`, less)).status).toBe(200);
    expect((await house.admin.delete(`${LEVELS}/senior`)).status).toBe(200);
  });

  it('is not made where a mapping would then read otherwise', async () => {
    const mapping = { level_mapping: { senior: ['researcher'], lead: ['elders'] } };
    expect((await house.admin.post(PROVIDERS, { ...PROVIDER, ...mapping })).status).toBe(201);
    for (const name of ['senior', 'elders']) {
      const refused = await house.admin.post(LEVELS, { ...SENIOR, name });
      expect([refused.status, refused.body.detail]).toEqual([409, expect.stringContaining('"okta"')]);
    }
    await make({ name: 'junior' });
  });

  it('goes out of resource rules when it goes', async () => {
    await make();
    const rule = { name: 'r', resource_type: 'config', pattern: '*', action: 'allow' };
    const { body } = await house.admin.post(RULES, { ...rule, level_names: ['senior', 'viewer', 'lead'] });
    expect(body.level_names).toEqual(['viewer', 'senior', 'lead']);
    expect((await house.admin.get(`${LEVELS}/senior/rules`)).body).toMatchObject({
      level: 'senior',
      total: 1,
    });
    const person = await house.person('senior');
    expect((await principalOf(person.token)).resource_rules).toHaveLength(1);
    await house.admin.patch(`${USERS}/${person.id}`, { level: 'researcher' });
    await house.admin.delete(`${LEVELS}/senior`);
    expect((await house.admin.get(`${RULES}/${body.id}`)).body.level_names).toEqual(['viewer', 'lead']);
    expect((await house.admin.get(`${LEVELS}/senior/rules`)).status).toBe(404);
  });
});

it('is refused by its field wherever there is no such level, and nothing is written', async () => {
  const { id } = await house.person('viewer');
  const user = { username: 'nobody', email: 'nobody@lineclear.test' };
  const rule = { name: 'r', resource_type: 'config', pattern: '*', action: 'allow' };
  expect((await house.admin.post(PROVIDERS, PROVIDER)).status).toBe(201);
  const other = { ...PROVIDER, name: 'other' };
  const before = await house.rows();
  const { post, patch, put, get } = house.admin;
  const answers: [string, Promise<{ status: number; headers: Headers; body: unknown }>][] = [
    ['level', post(USERS, { ...user, level: 'boss' })],
    ['level_names.0', post(USERS, { ...user, level_names: ['boss'] })],
    ['level', patch(`${USERS}/${id}`, { level: 'boss', display_name: 'x' })],
    ['level_names.0', patch(`${USERS}/${id}`, { level_names: ['boss'] })],
    ['level_name', post(`${USERS}/${id}/levels`, { level_name: 'boss' })],
    ['default_level', post(PROVIDERS, { ...other, default_level: 'boss' })],
    ['default_levels.0', post(PROVIDERS, { ...other, default_levels: ['boss'] })],
    ['level_mapping.x', post(PROVIDERS, { ...other, level_mapping: { x: ['boss'] } })],
    ['default_level', patch(`${PROVIDERS}/okta`, { default_level: 'boss' })],
    ['level_mapping.boss', patch(`${PROVIDERS}/okta`, { level_mapping: { boss: ['x'] } })],
    ['level_names.1', post(RULES, { ...rule, level_names: ['viewer', 'boss'] })],
    ['level', get(`${RULES}?level=boss`)],
  ];
  for (const [field, answer] of answers) expectProblem(await answer, field, field);
  expect((await put(`${LEVELS}/boss/rules`, { rule_ids: [] })).status).toBe(404);
  expect((await post(`${LEVELS}/boss/rules/1`)).status).toBe(404);
  expect(await house.rows()).toEqual(before);
});

describe('at the same moment', () => {
  it('a level goes or is given, and never both', async () => {
    await make();
    const person = await house.person('viewer');
    let removal: Promise<{ status: number }> | undefined;
    let gift: Promise<{ status: number }> | undefined;
    await house.service.database.tx(async (tx) => {
      await lockRights(tx);
      removal = house.admin.delete(`${LEVELS}/senior`);
      await house.untilOneWaits();
      gift = house.admin.patch(`${USERS}/${person.id}`, { level: 'senior' });
    });
    expect([(await removal!).status, (await gift!).status]).toEqual([200, 400]);
  });

  it('many do everything with it, and no answer is a fault of ours', async () => {
    const rule = { resource_type: 'config', pattern: '*', action: 'allow', level_names: ['senior'] };
    const calls = Array.from({ length: 2 }, (_, n) => [
      house.admin.post(LEVELS, SENIOR),
      house.admin.post(USERS, { username: `r${n}`, email: `r${n}@lineclear.test`, level: 'senior' }),
      house.admin.post(RULES, { ...rule, name: `race ${n}` }),
      house.admin.post(PROVIDERS, { ...PROVIDER, name: `race${n}`, default_level: 'senior' }),
      house.admin.put(`${LEVELS}/senior/rules`, { rule_ids: [] }),
      house.admin.delete(`${LEVELS}/senior`),
    ]).flat();
    const statuses = (await Promise.all(calls)).map(({ status }) => status);
    expect(statuses.filter((status) => status >= 500)).toEqual([]);
    expect(statuses).toContain(201);
  });
});

it('has room for no more levels than a principal can name', async () => {
  await house.service.database.query(
    `insert into levels select 'level' || n, '', n, false, '{}', now() from generate_series(2, 99) n where n not in (10, 20, 30)`,
  );
  await make({ name: 'last', priority: 1 });
  expect((await house.admin.get(`${USERS}/meta/levels`)).body.total).toBe(100);
  const person = await house.person('admin');
  expect((await principalOf(person.token)).reaches).toHaveLength(100);
  for (const priority of [1, 50, 99])
    expect((await house.admin.post(LEVELS, { ...SENIOR, name: 'one_more', priority })).status).toBe(409);
});
