import { introspect, principalChanged, principalsChanged, type Level } from '@lineclear/contracts';
import { hashToken } from '@lineclear/access';
import { expectProblem, refusesBadInput } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openAuthHouse, type AuthHouse } from './auth-house.js';

let house: AuthHouse;
const RULES = '/api/users/resource-rules';
const LEVEL = '/api/users/levels';

beforeAll(async () => {
  house = await openAuthHouse();
});
afterAll(() => house?.close());
beforeEach(async () => {
  await house.service.database.query('delete from resource_rules');
});

const good = { name: 'Team X', resource_type: 'config', pattern: 'team-x-*', action: 'allow' };
const make = async (more: object = {}): Promise<number> => {
  const { status, body } = await house.admin.post(RULES, { ...good, ...more });
  expect(status, JSON.stringify(body)).toBe(201);
  return body.id as number;
};
const carried = async (token: string) =>
  (await house.peer.ask(introspect, { kind: 'api_key', token_sha256: hashToken(token) })).principal
    ?.resource_rules;

it('has tables as its entities say', async () => {
  const { upQueries } = await house.service.database.source.driver.createSchemaBuilder().log();
  expect(upQueries.map(({ query }) => query)).toEqual([]);
});

describe('rules', () => {
  it('refuse bad input', async () => {
    const id = await make();
    const before = await house.rows();
    const other = { ...good, name: 'Other' };
    const wrong: [string, object][] = [
      ['name', { ...other, name: undefined }],
      ['name', { ...other, name: ' ' }],
      ['name', { ...other, name: 'x'.repeat(101) }],
      ['name', { ...other, name: 'a\nb' }],
      ['resource_type', { ...other, resource_type: 'gpu' }],
      ['resource_type', { ...other, resource_type: undefined }],
      ['pattern', { ...other, pattern: '' }],
      ['pattern', { ...other, pattern: 'x'.repeat(201) }],
      ['pattern', { ...other, pattern: 'a\tb' }],
      ['pattern', { ...other, pattern: '[a' }],
      ['pattern', { ...other, pattern: '+(a|b)' }],
      ['pattern', { ...other, pattern: '{a,b}'.repeat(40) }],
      ['pattern', { ...other, resource_type: 'output_path', pattern: 'team-x/../**' }],
      ['action', { ...other, action: 'maybe' }],
      ['action', { ...other, action: undefined }],
      ['priority', { ...other, priority: 1_001 }],
      ['priority', { ...other, priority: -1 }],
      ['priority', { ...other, priority: 1.5 }],
      ['description', { ...other, description: 'x'.repeat(501) }],
      ['level_names', { ...other, level_names: ['root'] }],
      ['level_names', { ...other, level_names: ['lead', 'lead'] }],
      ['level_names', { ...other, level_names: 'lead' }],
      ['user_ids', { ...other, user_ids: [0] }],
      ['user_ids', { ...other, user_ids: [house.adminId, house.adminId] }],
      ['user_ids.1', { ...other, user_ids: [house.adminId, 999_999] }],
      ['user_ids', { ...other, user_ids: Array.from({ length: 101 }, (_, n) => n + 1) }],
    ];
    await refusesBadInput(house.admin.post, RULES, other, wrong);
    await refusesBadInput(house.admin.put, `${RULES}/${id}`, other, wrong);
    for (const query of [
      'limit=0',
      'cursor=x',
      'resource_type=gpu',
      'action=x',
      'level=root',
      'user_id=x',
      'x=1',
    ])
      expectProblem(await house.admin.get(`${RULES}?${query}`), query, query.split('=')[0]);
    expectProblem(await house.admin.get(`${RULES}/x`), 'id', 'id');
    expect(await house.rows()).toEqual(before);
  });

  it('are made, read, written anew and removed', async () => {
    const person = await house.person('viewer');
    const { status, body } = await house.admin.post(RULES, {
      ...good,
      priority: 7,
      description: 'Only their own',
      level_names: ['lead', 'researcher'],
      user_ids: [person.id],
    });
    expect([status, body]).toEqual([
      201,
      {
        ...good,
        id: expect.any(Number),
        priority: 7,
        description: 'Only their own',
        level_names: ['researcher', 'lead'],
        user_ids: [person.id],
        created_at: expect.any(String),
        updated_at: expect.any(String),
      },
    ]);
    const path = `${RULES}/${body.id}`;
    expect((await house.admin.get(path)).body).toEqual(body);
    const changed = await house.admin.put(path, { ...good, action: 'deny', user_ids: [] });
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({
      action: 'deny',
      priority: 100,
      description: '',
      level_names: ['researcher', 'lead'],
      user_ids: [],
    });
    expect((await house.admin.delete(path)).body).toEqual({ success: true });
    for (const answer of [
      await house.admin.get(path),
      await house.admin.put(path, good),
      await house.admin.delete(path),
    ])
      expect(answer.status).toBe(404);
  });

  it('have a name each, whatever the case', async () => {
    await make();
    const other = await make({ name: 'Other' });
    expect((await house.admin.post(RULES, { ...good, name: 'TEAM x' })).status).toBe(409);
    expect((await house.admin.put(`${RULES}/${other}`, good)).status).toBe(409);
    expect((await house.admin.get(RULES)).body.total).toBe(2);
  });

  it('are listed by priority, page by page, and by what they are about', async () => {
    const person = await house.person('viewer');
    const of = (name: string, priority: number, more: object = {}) => make({ name, priority, ...more });
    await of('low', 1);
    await of('high', 900, { level_names: ['lead'] });
    await of('also high', 900, { action: 'deny' });
    await of('middle', 50, { resource_type: 'provider', user_ids: [person.id] });
    const names = async (query: string): Promise<string[]> =>
      (await house.admin.get(`${RULES}?${query}`)).body.rules.map(({ name }: { name: string }) => name);
    expect(await names('')).toEqual(['high', 'also high', 'middle', 'low']);
    const seen: string[] = [];
    let [cursor, pages] = ['', 0];
    do {
      const { body } = await house.admin.get(`${RULES}?limit=1${cursor && `&cursor=${cursor}`}`);
      expect(body.total).toBe(4);
      seen.push(...body.rules.map(({ name }: { name: string }) => name));
      cursor = body.next_cursor ?? '';
      pages += 1;
    } while (cursor && pages < 10);
    expect(seen).toEqual(['high', 'also high', 'middle', 'low']);
    expect(await names('level=lead')).toEqual(['high']);
    expect(await names(`user_id=${person.id}`)).toEqual(['middle']);
    expect(await names('action=deny')).toEqual(['also high']);
    expect(await names('resource_type=provider')).toEqual(['middle']);
  });

  it('are for those who look after people', async () => {
    const id = await make({ level_names: ['viewer'] });
    const { http } = await house.person('lead');
    const before = await house.rows();
    const answers = [
      await http.get(RULES),
      await http.post(RULES, { ...good, name: 'x' }),
      await http.get(`${RULES}/${id}`),
      await http.put(`${RULES}/${id}`, good),
      await http.delete(`${RULES}/${id}`),
      await http.get(`${LEVEL}/viewer/rules`),
      await http.put(`${LEVEL}/viewer/rules`, { rule_ids: [] }),
      await http.post(`${LEVEL}/lead/rules/${id}`),
      await http.delete(`${LEVEL}/viewer/rules/${id}`),
    ];
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 403));
    expect(await house.rows()).toEqual(before);
  });

  it('of a level, or of a person, above their own nobody changes', async () => {
    const lead = await house.person('lead');
    await house.admin.post(`/api/users/${lead.id}/permissions`, {
      permission_name: 'admin.users',
      granted: true,
    });
    const ofAdmins = await make({ name: 'admins', level_names: ['admin'] });
    const ofRoot = await make({ name: 'root', user_ids: [house.adminId] });
    const free = await make({ name: 'free' });
    const before = await house.rows();
    const answers = [
      await lead.http.put(`${RULES}/${ofAdmins}`, { ...good, level_names: [] }),
      await lead.http.delete(`${RULES}/${ofAdmins}`),
      await lead.http.put(`${RULES}/${ofRoot}`, { ...good, user_ids: [] }),
      await lead.http.delete(`${RULES}/${ofRoot}`),
      await lead.http.put(`${RULES}/${free}`, { ...good, level_names: ['admin'] }),
      await lead.http.post(RULES, { ...good, user_ids: [house.adminId] }),
      await lead.http.put(`${LEVEL}/admin/rules`, { rule_ids: [free] }),
      await lead.http.put(`${LEVEL}/admin/rules`, { rule_ids: [] }),
      await lead.http.post(`${LEVEL}/admin/rules/${free}`),
      await lead.http.delete(`${LEVEL}/admin/rules/${ofAdmins}`),
    ];
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 403));
    expect(answers[0]!.body.detail).toContain('level admin');
    expect(await house.rows()).toEqual(before);
    expect((await lead.http.post(`${LEVEL}/researcher/rules/${free}`)).status).toBe(200);
    expect((await lead.http.delete(`${RULES}/${free}`)).status).toBe(200);
  });
});

describe('the rules of a level', () => {
  it('are given, replaced and taken', async () => {
    const [a, b] = [await make({ name: 'a' }), await make({ name: 'b', priority: 200 })];
    const path = `${LEVEL}/researcher/rules`;
    const ids = (answer: { body: { rules: { id: number }[] } }) => answer.body.rules.map(({ id }) => id);
    expect((await house.admin.get(path)).body).toEqual({ level: 'researcher', rules: [], total: 0 });
    expect(ids(await house.admin.put(path, { rule_ids: [a, b] }))).toEqual([b, a]);
    expect(ids(await house.admin.put(path, { rule_ids: [a] }))).toEqual([a]);
    expect(ids(await house.admin.post(`${path}/${b}`))).toEqual([b, a]);
    expect(ids(await house.admin.post(`${path}/${b}`))).toEqual([b, a]);
    expect(ids(await house.admin.delete(`${path}/${a}`))).toEqual([b]);
    expect((await house.admin.delete(`${path}/${a}`)).status).toBe(404);
    expect(ids(await house.admin.get(path))).toEqual([b]);
  });

  it('refuse bad input', async () => {
    const id = await make({ level_names: ['lead'] });
    const path = `${LEVEL}/lead/rules`;
    const before = await house.rows();
    await refusesBadInput(house.admin.put, path, { rule_ids: [id] }, [
      ['rule_ids', {}],
      ['rule_ids', { rule_ids: id }],
      ['rule_ids', { rule_ids: ['x'] }],
      ['rule_ids', { rule_ids: [id, id] }],
      ['rule_ids.1', { rule_ids: [id, 999_999] }],
      ['rule_ids', { rule_ids: Array.from({ length: 501 }, (_, n) => n + 1) }],
    ]);
    expect((await house.admin.get(`${LEVEL}/root/rules`)).status).toBe(404);
    expect((await house.admin.put(`${LEVEL}/constructor/rules`, { rule_ids: [] })).status).toBe(404);
    expect((await house.admin.post(`${path}/999999`)).status).toBe(404);
    expectProblem(await house.admin.post(`${path}/x`), 'rule', 'rule');
    expect(await house.rows()).toEqual(before);
  });
});

describe('a principal', () => {
  it('carries the rules of the level and their own, the most important first, each once', async () => {
    const person = await house.person('researcher');
    expect(await carried(person.token)).toBeUndefined();
    const low = await make({ name: 'low', priority: 1, level_names: ['researcher'], user_ids: [person.id] });
    const high = await make({ name: 'high', priority: 999, user_ids: [person.id], action: 'deny' });
    await make({ name: 'not theirs', level_names: ['lead', 'viewer', 'admin'] });
    expect(await carried(person.token)).toEqual([
      { id: high, name: 'high', type: 'config', pattern: 'team-x-*', action: 'deny' },
      { id: low, name: 'low', type: 'config', pattern: 'team-x-*', action: 'allow' },
    ]);
    await house.admin.patch(`/api/users/${person.id}`, { level: 'viewer' });
    expect((await carried(person.token))?.map(({ name }) => name)).toEqual(['high', 'not theirs', 'low']);
  });

  it('is told of, whatever changes their rules', async () => {
    const person = await house.person('viewer');
    const id = await make();
    const told = () => [
      house.peer.events(principalsChanged).map(({ data }) => data.levels?.join()),
      house.peer.events(principalChanged).filter(({ data }) => data.user_id === person.id).length,
    ];
    const tells = async (change: Promise<{ status: number }>, levels: Level[], people: number) => {
      const [before, one] = told() as [string[], number];
      expect((await change).status).toBeLessThan(300);
      const more = levels.length > 0 ? [levels.join()] : [];
      await vi.waitFor(() => expect(told()).toEqual([[...before, ...more], one + people]));
    };
    const path = `${RULES}/${id}`;
    await tells(house.admin.put(path, { ...good, level_names: ['viewer', 'admin'] }), ['viewer', 'admin'], 0);
    await tells(house.admin.put(path, { ...good, level_names: ['viewer'] }), ['viewer', 'admin'], 0);
    await tells(house.admin.put(path, { ...good, user_ids: [person.id] }), ['viewer'], 1);
    await tells(house.admin.put(path, { ...good, pattern: 'x' }), ['viewer'], 1);
    await tells(house.admin.put(path, { ...good, user_ids: [] }), ['viewer'], 1);
    await tells(house.admin.post(`${LEVEL}/lead/rules/${id}`), ['lead'], 0);
    await tells(house.admin.put(`${LEVEL}/lead/rules`, { rule_ids: [] }), ['lead'], 0);
    await tells(house.admin.delete(`${LEVEL}/viewer/rules/${id}`), ['viewer'], 0);
    await tells(
      house.admin.put(path, { ...good, level_names: ['lead'], user_ids: [person.id] }),
      ['lead'],
      1,
    );
    await tells(house.admin.delete(path), ['lead'], 1);
  });
});

it('has no more rules than fit into a principal, and no person more than a submit should ask', async () => {
  const { database } = house.service;
  const fill = (from: number, to: number): Promise<unknown> =>
    database.query(
      `insert into resource_rules (name, resource_type, pattern, action, priority, description, created_at, updated_at)
       select 'rule ' || n, 'config', repeat('€', 200), 'allow', 0, '', now(), now() from generate_series($1::int, $2::int) n`,
      [from, to],
    );
  await fill(1, 499);
  const rows = await database.query<{ id: number }>('select id from resource_rules order by id');
  const ids = rows.map(({ id }) => id);
  const last = await make();
  const beyond = await house.admin.post(RULES, { ...good, name: 'one more' });
  expect([beyond.status, beyond.body.detail]).toEqual([409, expect.stringContaining('500')]);

  const person = await house.person('viewer');
  const path = `${LEVEL}/viewer/rules`;
  const before = await house.rows();
  const tooMany = await house.admin.put(path, { rule_ids: ids.slice(0, 201) });
  expect([tooMany.status, tooMany.body.detail]).toEqual([409, expect.stringContaining('level viewer')]);
  expect(await house.rows()).toEqual(before);
  expect((await house.admin.put(path, { rule_ids: ids.slice(0, 200) })).status).toBe(200);
  expect(await carried(person.token)).toHaveLength(200);
  const oneMore = await house.admin.put(`${RULES}/${last}`, { ...good, user_ids: [person.id] });
  expect([oneMore.status, oneMore.body.detail]).toEqual([409, expect.stringContaining(person.username)]);
  expect((await house.admin.post(`${path}/${last}`)).status).toBe(409);
  // Another level's are no way round.
  await house.admin.patch(`/api/users/${person.id}`, { level: 'researcher' });
  expect((await house.admin.put(`${RULES}/${last}`, { ...good, user_ids: [person.id] })).status).toBe(200);
  expect((await house.admin.patch(`/api/users/${person.id}`, { level: 'viewer' })).status).toBe(409);
  expect((await carried(person.token))?.map(({ id }) => id)).toEqual([last]);
});

describe('explaining', () => {
  const EXPLAIN = `${RULES}/explain`;

  it('refuses bad input', async () => {
    await refusesBadInput(house.admin.post, EXPLAIN, {}, [
      ['user_id', { user_id: '7' }],
      ['user_id', { user_id: 0 }],
      ['config', { config: 7 }],
      ['config', { config: 'x'.repeat(201) }],
      ['hardware', { hardware: '' }],
      ['provider', { provider: 'No Such' }],
      ['output_path', { output_path: 'x'.repeat(1_001) }],
    ]);
  });

  it('is about oneself for everyone, and about others for those who look after people', async () => {
    const person = await house.person('viewer');
    expect((await person.http.post(EXPLAIN, {})).body).toMatchObject({ user_id: person.id, allowed: true });
    expect((await person.http.post(EXPLAIN, { user_id: person.id })).status).toBe(200);
    expect((await person.http.post(EXPLAIN, { user_id: house.adminId })).status).toBe(403);
    expect((await person.http.post(EXPLAIN, { user_id: 999_999 })).status).toBe(403);
    expect((await house.admin.post(EXPLAIN, { user_id: person.id })).body.level).toBe('viewer');
    expect((await house.admin.post(EXPLAIN, { user_id: 999_999 })).status).toBe(404);
    expect((await house.anonymous.post(EXPLAIN, {})).status).toBe(401);
  });

  // The two examples as they are promised.
  it('keeps teams apart: researchers can only use configs that start with "team-x-"', async () => {
    const level_names = ['researcher'];
    const allow = await make({ name: 'config: team-x-*', priority: 200, level_names });
    const deny = await make({ name: 'config: *', pattern: '*', action: 'deny', level_names });
    const { http, token } = await house.person('researcher');
    const own = await http.post(EXPLAIN, { config: 'team-x-flux' });
    expect(own.body.allowed).toBe(true);
    expect(own.body.decisions[0]).toEqual({
      resource_type: 'config',
      value: 'team-x-flux',
      allowed: true,
      because: 'allowed_by_rule',
      reason: 'the resource rule "config: team-x-*" allows the configuration "team-x-flux"',
      rule_id: allow,
      rules: [
        {
          id: allow,
          name: 'config: team-x-*',
          pattern: 'team-x-*',
          action: 'allow',
          priority: 200,
          matches: true,
        },
        { id: deny, name: 'config: *', pattern: '*', action: 'deny', priority: 100, matches: true },
      ],
    });
    const other = await http.post(EXPLAIN, { config: 'team-y-flux', hardware: 'gpu-a100' });
    expect(other.body.allowed).toBe(false);
    expect(other.body.decisions).toMatchObject([
      { because: 'denied_by_rule', rule_id: deny, rules: [{ matches: false }, { matches: true }] },
      { because: 'no_rules', allowed: true },
      { because: 'not_asked', value: null },
      { because: 'not_asked' },
    ]);
    expect(await carried(token)).toHaveLength(2);
  });

  it('restricts hardware: researchers to T4 and V100, leads to nothing', async () => {
    const hardware = { resource_type: 'hardware' };
    await make({ ...hardware, name: 't4', pattern: 'gpu-t4*', level_names: ['researcher'] });
    await make({ ...hardware, name: 'v100', pattern: 'gpu-v100*', level_names: ['researcher'] });
    await make({ ...hardware, name: 'any', pattern: '*', level_names: ['lead'] });
    const [researcher, lead, viewer] = [
      await house.person('researcher'),
      await house.person('lead'),
      await house.person('viewer'),
    ];
    const allowed = async (who: { id: number }, name: string): Promise<boolean> =>
      (await house.admin.post(EXPLAIN, { user_id: who.id, hardware: name })).body.allowed;
    expect(await allowed(researcher, 'gpu-t4')).toBe(true);
    expect(await allowed(researcher, 'gpu-v100-32gb')).toBe(true);
    expect(await allowed(researcher, 'gpu-a100')).toBe(false);
    expect(await allowed(lead, 'gpu-a100')).toBe(true);
    expect(await allowed(viewer, 'gpu-a100')).toBe(true);
    const { body } = await researcher.http.post(EXPLAIN, { hardware: 'gpu-a100' });
    expect(body.decisions[1]).toMatchObject({
      because: 'no_rule_matches',
      rule_id: null,
      reason: 'no resource rule allows the hardware "gpu-a100"',
    });
  });
});
