import { QUOTA_TYPES, quotaChanged, usageOf, type RequestOf, type Use } from '@lineclear/contracts';
import { expectProblem, refusesBadInput } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ok, openOrgHouse, ORGS, statusesOf, type OrgHouse } from './org-house.js';

let house: OrgHouse;
const QUOTAS = '/api/quotas';

beforeAll(async () => {
  house = await openOrgHouse();
});
afterAll(() => house?.close());
beforeEach(() => house.empty());

const useOf = (value: number): Use => Object.fromEntries(QUOTA_TYPES.map((type) => [type, value])) as Use;
/** What whoever runs the jobs would say: so much is used by the person, by each team, by the organisation. */
const uses = (user: number, team: number, org: number): RequestOf<typeof usageOf>[] => {
  const asked: RequestOf<typeof usageOf>[] = [];
  house.peer.answer(usageOf, (request) => {
    asked.push(request);
    return {
      user: useOf(user),
      teams: request.team_ids.map((id) => ({ id, use: useOf(team) })),
      ...(request.org_id === undefined ? {} : { org: useOf(org) }),
    };
  });
  return asked;
};
const set = async (path: string, limit_value: number, more: object = {}) =>
  ok(await house.admin.post(path, { quota_type: 'concurrent_jobs', limit_value, ...more }), 201);
const ofType = <T extends { quota_type: string }>(list: readonly T[], type = 'concurrent_jobs'): T =>
  list.find(({ quota_type }) => quota_type === type)!;

describe('ceilings of organizations and teams', () => {
  it('are set, set anew, listed and taken away', async () => {
    const org = await house.makeOrg();
    const team = await house.makeTeam(org);
    for (const path of [`${ORGS}/${org}/teams/${team}/quotas`, `${ORGS}/${org}/quotas`]) {
      const first = await set(path, 20);
      expect(first).toEqual({
        id: expect.any(Number),
        quota_type: 'concurrent_jobs',
        limit_value: 20,
        action: 'block',
        scope: path.includes('teams') ? 'team' : 'org',
        is_global: false,
        user_id: null,
        level: null,
        team_id: path.includes('teams') ? team : null,
        org_id: path.includes('teams') ? null : org,
        created_at: expect.any(String),
        updated_at: expect.any(String),
      });
      const second = await set(path, 10, { action: 'warn' });
      expect(second).toMatchObject({ id: first.id, limit_value: 10, action: 'warn' });
      await set(path, 99.5, { quota_type: 'cost_daily', action: 'require_approval' });
      const { quotas, total } = ok(await house.admin.get(path));
      expect([quotas.length, total]).toEqual([2, 2]);
      expect(ok(await house.admin.delete(`${path}/cost_daily`))).toEqual({ success: true });
      expect((await house.admin.delete(`${path}/cost_daily`)).status).toBe(404);
      expect(ok(await house.admin.get(path)).quotas).toEqual([second]);
      // These are no quotas of people.
      expect((await house.admin.get(`${QUOTAS}/${first.id}`)).status).toBe(404);
      expect((await house.admin.delete(`${QUOTAS}/${first.id}`)).status).toBe(404);
    }
    expect(ok(await house.admin.get(QUOTAS)).total).toBe(0);
  });

  it('of a team are not above the organization’s when they are set, and stay when that is lowered', async () => {
    const org = await house.makeOrg();
    const team = await house.makeTeam(org);
    const [ofOrg, ofTeam] = [`${ORGS}/${org}/quotas`, `${ORGS}/${org}/teams/${team}/quotas`];
    await set(ofTeam, 1_000, { quota_type: 'jobs_per_day' });
    await set(ofOrg, 100);
    const above = await house.admin.post(ofTeam, { quota_type: 'concurrent_jobs', limit_value: 101 });
    expect(above.status).toBe(400);
    expectProblem(above, 'above', 'limit_value');
    expect(above.body.detail).toContain('ceiling of 100');
    await set(ofTeam, 100);
    await set(ofOrg, 50);
    expect(ofType(ok(await house.admin.get(ofTeam)).quotas)).toMatchObject({ limit_value: 100 });
    expect((await house.admin.post(ofTeam, { quota_type: 'concurrent_jobs', limit_value: 51 })).status).toBe(
      400,
    );
    await house.admin.delete(`${ofOrg}/concurrent_jobs`);
    await set(ofTeam, 51);
  });

  it('hold also while the organization’s is being lowered', async () => {
    const org = await house.makeOrg();
    const team = await house.makeTeam(org);
    const ofTeam = `${ORGS}/${org}/teams/${team}/quotas`;
    await set(`${ORGS}/${org}/quotas`, 100);
    const raised = await house.service.database.tx(async (tx) => {
      // The lowering, in the middle of its transaction.
      await tx.query('select 1 from organizations where id = $1 for update', [org]);
      const waiting = house.admin.post(ofTeam, { quota_type: 'concurrent_jobs', limit_value: 80 });
      await house.untilOneWaits();
      await tx.query(`update quotas set "limit" = 50 where scope = 'org' and subject = $1`, [String(org)]);
      return [waiting];
    });
    const answer = await raised[0]!;
    expect([answer.status, answer.body.detail]).toEqual([400, expect.stringContaining('ceiling of 50')]);
    expect(ok(await house.admin.get(ofTeam)).total).toBe(0);
  });

  it('refuse bad input', async () => {
    const org = await house.makeOrg();
    const team = await house.makeTeam(org);
    const good = { quota_type: 'concurrent_jobs', limit_value: 1 };
    const before = await house.rows();
    for (const path of [`${ORGS}/${org}/quotas`, `${ORGS}/${org}/teams/${team}/quotas`]) {
      await refusesBadInput(house.admin.post, path, good, [
        ['quota_type', { ...good, quota_type: 'local_gpus' }],
        ['quota_type', { limit_value: 1 }],
        ['limit_value', { quota_type: 'concurrent_jobs' }],
        ['limit_value', { ...good, limit_value: -1 }],
        ['limit_value', { ...good, limit_value: '5' }],
        ['limit_value', { ...good, limit_value: 1_000_000_001 }],
        ['limit_value', { ...good, limit_value: 1.5 }],
        ['limit_value', { ...good, limit_value: 0.5, quota_type: 'jobs_per_hour' }],
        ['limit_value', { ...good, limit_value: 0.5, quota_type: 'jobs_per_day' }],
        ['action', { ...good, action: 'refuse' }],
      ]);
      expectProblem(await house.admin.delete(`${path}/local_gpus`), 'type', 'quota_type');
    }
    expect(await house.rows()).toEqual(before);
  });
});

describe('quotas of people', () => {
  it('are one for each subject and type: a person, a level, everyone', async () => {
    const person = await house.person('researcher');
    const everyone = await set(QUOTAS, 5);
    expect(everyone).toMatchObject({
      scope: 'global',
      is_global: true,
      user_id: null,
      level: null,
      action: 'block',
    });
    const level = await set(QUOTAS, 6, { level: 'researcher', action: 'notify' });
    expect(level).toMatchObject({ scope: 'level', is_global: false, level: 'researcher', action: 'notify' });
    const own = await set(QUOTAS, 7, { user_id: person.id });
    expect(own).toMatchObject({ scope: 'user', user_id: person.id });
    // The other word for a level, and both at once.
    expect((await set(QUOTAS, 8, { level_id: 'researcher' })).id).toBe(level.id);
    expect((await set(QUOTAS, 9, { level: 'researcher', level_id: 'researcher' })).id).toBe(level.id);
    expect((await set(QUOTAS, 0, { user_id: person.id })).id).toBe(own.id);
    await set(QUOTAS, 1, { quota_type: 'cost_daily' });

    expect(ok(await house.admin.get(`${QUOTAS}/${own.id}`))).toMatchObject({ id: own.id, limit_value: 0 });
    const listed = async (query: string) =>
      ok(await house.admin.get(`${QUOTAS}?${query}`)).quotas.map(({ id }: { id: number }) => id);
    expect(await listed('quota_type=concurrent_jobs')).toEqual([everyone.id, level.id, own.id]);
    expect(await listed('scope=level')).toEqual([level.id]);
    const page = ok(await house.admin.get(`${QUOTAS}?limit=3`));
    expect([page.total, await listed(`cursor=${page.next_cursor}`)]).toEqual([4, [expect.any(Number)]]);
    expect(ok(await house.admin.delete(`${QUOTAS}/${level.id}`))).toEqual({ success: true });
    expect(
      statusesOf([
        await house.admin.get(`${QUOTAS}/${level.id}`),
        await house.admin.delete(`${QUOTAS}/${level.id}`),
      ]),
    ).toEqual([404, 404]);
  });

  it('refuse bad input', async () => {
    const good = { quota_type: 'cost_daily', limit_value: 1 };
    const before = await house.rows();
    await refusesBadInput(house.admin.post, QUOTAS, good, [
      ['quota_type', { ...good, quota_type: 'x' }],
      ['limit_value', { ...good, limit_value: -0.1 }],
      ['limit_value', { ...good, quota_type: 'concurrent_jobs', limit_value: 2.5 }],
      ['action', { ...good, action: 7 }],
      ['user_id', { ...good, user_id: 999_999 }],
      ['user_id', { ...good, user_id: '1' }],
      ['user_id', { ...good, user_id: 1, level: 'lead' }],
      ['user_id', { ...good, user_id: 1, level_id: 'lead' }],
      ['level', { ...good, level: 'root' }],
      ['level_id', { ...good, level_id: 3 }],
      ['level_id', { ...good, level: 'lead', level_id: 'admin' }],
      ['team_id', { ...good, team_id: 1 }],
    ]);
    for (const field of ['scope=team', 'quota_type=x', 'limit=0', 'cursor=x'])
      expectProblem(await house.admin.get(`${QUOTAS}?${field}`), field, field.split('=')[0]);
    expectProblem(await house.admin.get(`${QUOTAS}/x`), 'id', 'id');
    expectProblem(await house.admin.get(`${QUOTAS}/user/x`), 'id', 'id');
    await refusesBadInput(house.admin.post, `${QUOTAS}/cost-estimate`, { estimated_cost: 1 }, [
      ['estimated_cost', {}],
      ['estimated_cost', { estimated_cost: -1 }],
      ['estimated_cost', { estimated_cost: '1' }],
    ]);
    expect(await house.rows()).toEqual(before);
  });

  it('are set and listed with admin.config, and those of others seen with admin.users', async () => {
    const { http } = await house.person('lead');
    const { id } = await set(QUOTAS, 5);
    const before = await house.rows();
    const refused = [
      await http.get(QUOTAS),
      await http.post(QUOTAS, { quota_type: 'cost_daily', limit_value: 1 }),
      await http.get(`${QUOTAS}/${id}`),
      await http.delete(`${QUOTAS}/${id}`),
      await http.get(`${QUOTAS}/user/${house.adminId}`),
    ];
    expect(statusesOf(refused)).toEqual(refused.map(() => 403));
    expect((await house.anonymous.get(`${QUOTAS}/me`)).status).toBe(401);
    expect(await house.rows()).toEqual(before);
  });
});

it('tells what quotas may limit, which no quota’s id hides', async () => {
  const { http } = await house.person('viewer');
  const { types, actions, total } = ok(await http.get(`${QUOTAS}/types`));
  expect(types.map(({ quota_type }: { quota_type: string }) => quota_type)).toEqual([...QUOTA_TYPES]);
  expect(types).toContainEqual({ quota_type: 'gpu_hours_monthly', unit: 'gpu_hours' });
  expect([actions, total]).toEqual([['warn', 'notify', 'require_approval', 'block'], 6]);
});

describe('what somebody may still use', () => {
  it('is bounded by the lowest ceiling: 100 for the organization, 20 for the team, 50 for the person is 20', async () => {
    const org = await house.makeOrg();
    const team = await house.makeTeam(org, { slug: 'nlp' });
    const person = await house.person('researcher');
    await house.joinTeam(org, team, person);
    await set(`${ORGS}/${org}/quotas`, 100);
    await set(`${ORGS}/${org}/teams/${team}/quotas`, 20, { action: 'require_approval' });
    await set(QUOTAS, 50, { user_id: person.id });
    await set(QUOTAS, 1, { level: 'researcher' });
    const asked = uses(1, 4, 97);
    const me = ok(await person.http.get(`${QUOTAS}/me`));
    expect(me).toMatchObject({ user_id: person.id, org: { id: org }, default_team_id: team });
    expect(ofType(me.quotas)).toEqual({
      quota_type: 'concurrent_jobs',
      limit: 20,
      use: 1,
      remaining: 3,
      source: 'user',
      binding: { scope: 'team', subject: String(team), limit: 20 },
      action: 'require_approval',
      ceilings: [
        { scope: 'user', subject: String(person.id), limit: 50, use: 1, remaining: 49, action: 'block' },
        {
          scope: 'team',
          subject: String(team),
          limit: 20,
          use: 4,
          remaining: 16,
          action: 'require_approval',
        },
        { scope: 'org', subject: String(org), limit: 100, use: 97, remaining: 3, action: 'block' },
      ],
    });
    expect(ofType(me.quotas, 'cost_daily')).toMatchObject({
      limit: null,
      remaining: null,
      source: null,
      binding: null,
    });
    expect(asked).toEqual([{ user_id: person.id, team_ids: [team], org_id: org }]);
    expect(ok(await house.admin.get(`${QUOTAS}/user/${person.id}`))).toEqual(me);
    expect((await house.admin.get(`${QUOTAS}/user/999999`)).status).toBe(404);
  });

  it('is told for each of several teams; the one joined first is the default', async () => {
    const org = await house.makeOrg();
    const [a, b] = [await house.makeTeam(org), await house.makeTeam(org)];
    const person = await house.person('viewer');
    await house.joinTeam(org, b, person, 'lead');
    await house.joinTeam(org, a, person);
    await set(`${ORGS}/${org}/teams/${a}/quotas`, 3);
    await set(`${ORGS}/${org}/teams/${b}/quotas`, 9);
    uses(0, 2, 4);
    const { default_team_id, quotas, teams } = ok(await person.http.get(`${QUOTAS}/me`));
    expect(default_team_id).toBe(b);
    expect(teams).toMatchObject([
      { team_id: b, role: 'lead', is_default: true, quotas },
      { team_id: a, role: 'member', is_default: false },
    ]);
    const limits = teams.map((team: { quotas: [] }) => (ofType(team.quotas) as { limit: number }).limit);
    expect(limits).toEqual([9, 3]);
  });

  it('goes by the level, or by what is for everyone, in no organization', async () => {
    const person = await house.person('researcher');
    const asked = uses(2, 0, 0);
    const mine = async () =>
      ofType(ok(await person.http.get(`${QUOTAS}/me`)).quotas as { quota_type: string }[]);
    expect(await mine()).toMatchObject({ limit: null, use: 2, ceilings: [] });
    await set(QUOTAS, 5);
    expect(await mine()).toMatchObject({ limit: 5, remaining: 3, source: 'global' });
    await set(QUOTAS, 1, { level: 'researcher' });
    expect(await mine()).toMatchObject({ limit: 1, remaining: 0, source: 'level' });
    expect(asked[0]).toEqual({ user_id: person.id, team_ids: [] });
  });

  it('is not made up when nobody tells what is used', async () => {
    const org = await house.makeOrg();
    const team = await house.makeTeam(org);
    const person = await house.person('viewer');
    await house.joinTeam(org, team, person);
    uses(0, 0, 0);
    house.peer.stopAnswering(usageOf);
    const down = await person.http.get(`${QUOTAS}/me`);
    expect([down.status, down.body.detail]).toEqual([503, expect.stringContaining('queue does not answer')]);
    const unknown = [
      await person.http.post(`${QUOTAS}/cost-estimate`, { estimated_cost: 1 }),
      await house.admin.get(`${QUOTAS}/user/${person.id}`),
    ];
    expect(statusesOf(unknown)).toEqual([503, 503]);
    // An answer that leaves somebody out is none.
    house.peer.answer(usageOf, () => ({ user: useOf(0), teams: [], org: useOf(0) }));
    expect((await person.http.get(`${QUOTAS}/me`)).body.detail).toContain(`team ${team}`);
    house.peer.answer(usageOf, () => ({ user: useOf(0), teams: [{ id: team, use: useOf(0) }] }));
    const without = await person.http.get(`${QUOTAS}/me`);
    expect([without.status, without.body.detail]).toEqual([503, expect.stringContaining('organization')]);
  });

  it('is estimated for a job of some cost', async () => {
    const org = await house.makeOrg();
    const person = await house.person('viewer');
    await house.joinOrg(org, person);
    await set(`${ORGS}/${org}/quotas`, 100, { quota_type: 'cost_monthly', action: 'notify' });
    await set(QUOTAS, 20, { quota_type: 'cost_daily', user_id: person.id });
    await set(QUOTAS, 0);
    uses(15, 0, 97.5);
    const estimate = async (estimated_cost: number) =>
      ok(await person.http.post(`${QUOTAS}/cost-estimate`, { estimated_cost }));
    const daily = {
      quota_type: 'cost_daily',
      scope: 'user',
      subject: String(person.id),
      limit: 20,
      use: 15,
      remaining: 5,
      action: 'block',
    };
    const monthly = {
      quota_type: 'cost_monthly',
      scope: 'org',
      subject: String(org),
      limit: 100,
      use: 97.5,
      remaining: 2.5,
      action: 'notify',
    };
    expect(await estimate(4)).toEqual({
      estimated_cost: 4,
      would_exceed: true,
      impacts: [
        { ...daily, use_after: 19, would_exceed: false },
        { ...monthly, use_after: 101.5, would_exceed: true },
      ],
    });
    expect(await estimate(2.5)).toMatchObject({
      would_exceed: false,
      impacts: [{}, { would_exceed: false }],
    });
  });
});

it('tells of every change of a quota, each with a higher number', async () => {
  const org = await house.makeOrg();
  const team = await house.makeTeam(org);
  const person = await house.person('viewer');
  const path = `${ORGS}/${org}`;
  const told = () =>
    house.peer.events(quotaChanged).filter(({ data }) => data.quota_type === 'gpu_hours_monthly');
  const of = { quota_type: 'gpu_hours_monthly' };
  await set(`${path}/quotas`, 8.5, of);
  await set(`${path}/quotas`, 7, { ...of, action: 'warn' });
  await set(`${path}/teams/${team}/quotas`, 6, of);
  const own = await set(QUOTAS, 5, { ...of, user_id: person.id });
  await set(QUOTAS, 4, { ...of, level: 'lead' });
  await set(QUOTAS, 3, of);
  ok(await house.admin.delete(`${path}/quotas/gpu_hours_monthly`));
  ok(await house.admin.delete(`${QUOTAS}/${own.id}`));
  // Nothing is told of what is refused.
  expect((await house.admin.delete(`${QUOTAS}/${own.id}`)).status).toBe(404);
  await set(QUOTAS, 2, { ...of, action: 'notify' });
  await vi.waitFor(() => expect(told()).toHaveLength(9));
  const key = (scope: string, subject: string | number, more: object) => [
    `quota/${scope}/${subject}/gpu_hours_monthly`,
    { scope, subject: String(subject), ...of, ...more },
  ];
  const inOrder = told().toSorted((a, b) => a.sequence! - b.sequence!);
  expect(inOrder.map(({ subject, data }) => [subject, data])).toEqual([
    key('org', org, { limit: 8.5, action: 'block' }),
    key('org', org, { limit: 7, action: 'warn' }),
    key('team', team, { limit: 6, action: 'block' }),
    key('user', person.id, { limit: 5, action: 'block' }),
    key('level', 'lead', { limit: 4, action: 'block' }),
    key('global', '*', { limit: 3, action: 'block' }),
    key('org', org, {}),
    key('user', person.id, {}),
    key('global', '*', { limit: 2, action: 'notify' }),
  ]);
  expect(new Set(told().map(({ sequence }) => sequence)).size).toBe(9);
});

it('numbers the changes of one quota in the order in which they are made', async () => {
  await Promise.all(Array.from({ length: 12 }, (_, n) => set(QUOTAS, n, { quota_type: 'jobs_per_day' })));
  const told = () =>
    house.peer
      .events(quotaChanged)
      .filter(({ data }) => data.scope === 'global' && data.quota_type === 'jobs_per_day');
  await vi.waitFor(() => expect(told()).toHaveLength(12));
  const last = told().reduce((a, b) => (a.sequence! > b.sequence! ? a : b));
  const { quotas } = ok(await house.admin.get(QUOTAS));
  expect(quotas).toMatchObject([{ quota_type: 'jobs_per_day', limit_value: last.data.limit }]);
});
