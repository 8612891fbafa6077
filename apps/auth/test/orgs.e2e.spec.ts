import { principalChanged, quotaChanged } from '@lineclear/contracts';
import { expectProblem, refusesBadInput, type Answer } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ok, openOrgHouse, ORGS, statusesOf, type OrgHouse } from './org-house.js';

let house: OrgHouse;

beforeAll(async () => {
  house = await openOrgHouse();
});
afterAll(() => house?.close());
beforeEach(() => house.empty());

it('has tables as its entities say', async () => {
  const { upQueries } = await house.service.database.source.driver.createSchemaBuilder().log();
  expect(upQueries.map(({ query }) => query)).toEqual([]);
});

describe('the printed commands', () => {
  const printed = [
    ['/api/orgs', '{"name": "ML Research", "slug": "ml-research"}'],
    ['/api/orgs/1/quotas', '{"quota_type": "concurrent_jobs", "limit_value": 100, "action": "block"}'],
    ['/api/orgs/1/teams', '{"name": "NLP Team", "slug": "nlp"}'],
    ['/api/orgs/1/teams/1/members', '{"user_id": 123, "role": "member"}'],
  ] as const;

  it('work as they are', async () => {
    const { database } = house.service;
    for (const table of ['organizations', 'teams'])
      await database.query(`alter sequence ${table}_id_seq restart`);
    await database.query(`select setval('users_id_seq', 122)`);
    expect((await house.person('researcher')).id).toBe(123);
    // As curl's -d sends it: JSON that says it is a form.
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const answers = [];
    for (const [path, body] of printed) answers.push(await house.admin.post(path, body, form));
    expect(answers.map(({ body }) => body)).toMatchObject([
      { organization: { id: 1, name: 'ML Research', slug: 'ml-research', team_count: 0, member_count: 0 } },
      { scope: 'org', org_id: 1, quota_type: 'concurrent_jobs', limit_value: 100, action: 'block' },
      { team: { id: 1, org_id: 1, name: 'NLP Team', slug: 'nlp', member_count: 0 } },
      { member: { user_id: 123, role: 'member' } },
    ]);
    expect(statusesOf(answers)).toEqual([201, 201, 201, 201]);
    expect((await house.admin.get('/api/users/123')).body).toMatchObject({
      org: { id: 1, slug: 'ml-research' },
      teams: [{ id: 1, slug: 'nlp', role: 'member' }],
    });
  });
});

describe('organizations', () => {
  it('are made, shown, changed, listed page by page, and removed', async () => {
    const org = await house.makeOrg({
      slug: 'first',
      description: 'All of it',
      settings: { colour: 'green', deep: [1] },
    });
    const shown = ok(await house.admin.get(`${ORGS}/${org}`));
    expect(shown).toEqual({
      organization: {
        id: org,
        name: 'ML Research',
        slug: 'first',
        description: 'All of it',
        settings: { colour: 'green', deep: [1] },
        team_count: 0,
        member_count: 0,
        created_at: expect.any(String),
        updated_at: expect.any(String),
      },
    });
    const changed = ok(await house.admin.patch(`${ORGS}/${org}`, { name: 'Research', settings: {} }));
    expect(changed.organization).toMatchObject({ name: 'Research', description: 'All of it', settings: {} });
    const [second, third] = [await house.makeOrg(), await house.makeOrg()];
    const page = ok(await house.admin.get(`${ORGS}?limit=2`));
    expect([page.organizations.map(({ id }: { id: number }) => id), page.total]).toEqual([[org, second], 3]);
    const rest = ok(await house.admin.get(`${ORGS}?limit=2&cursor=${page.next_cursor}`));
    expect([rest.organizations.map(({ id }: { id: number }) => id), rest.next_cursor]).toEqual([
      [third],
      undefined,
    ]);
    expect(ok(await house.admin.delete(`${ORGS}/${third}`))).toEqual({ success: true });
    expect((await house.admin.get(`${ORGS}/${third}`)).status).toBe(404);
  });

  it('refuse bad input', async () => {
    const org = await house.makeOrg({ slug: 'taken' });
    const before = await house.rows();
    const good = { name: 'Other', slug: 'other' };
    const described: [string, object][] = [
      ['name', { ...good, name: ' ' }],
      ['name', { ...good, name: 'x'.repeat(101) }],
      ['name', { ...good, name: 'a\nb' }],
      ['description', { ...good, description: 'x'.repeat(501) }],
      ['description', { ...good, description: 'a\tb' }],
      ['settings', { ...good, settings: [] }],
      ['settings', { ...good, settings: 'x' }],
      ['settings', { ...good, settings: { long: 'x'.repeat(4_000) } }],
    ];
    const slugs: [string, object][] = ['ML', 'a b', 'a_b', '', 'x'.repeat(51), undefined, 7].map((slug) => [
      'slug',
      { ...good, slug },
    ]);
    await refusesBadInput(house.admin.post, ORGS, good, [
      ['name', { slug: 'other' }],
      ...described,
      ...slugs,
    ]);
    const patches = described.map(([field, body]): [string, object] => {
      const { slug: _, ...patch } = body as typeof good;
      return [field, patch];
    });
    await refusesBadInput(house.admin.patch, `${ORGS}/${org}`, { name: 'Other' }, [
      ...patches,
      // It is an address: others know the organisation by it.
      ['slug', { slug: 'other' }],
    ]);
    expectProblem(await house.admin.patch(`${ORGS}/${org}`, {}), 'nothing');
    expectProblem(await house.admin.get(`${ORGS}/x`), 'id', 'org');
    expectProblem(await house.admin.get(`${ORGS}?limit=0`), 'limit', 'limit');
    expectProblem(await house.admin.get(`${ORGS}?cursor=x`), 'cursor', 'cursor');
    expect((await house.admin.post(ORGS, { name: 'Other', slug: 'taken' })).status).toBe(409);
    expect(await house.rows()).toEqual(before);
  });

  it('are removed when they are empty, and say what they hold until then', async () => {
    const org = await house.makeOrg();
    const person = await house.person('viewer');
    await house.joinOrg(org, person);
    const team = await house.makeTeam(org);
    await house.makeTeam(org);
    const full = await house.admin.delete(`${ORGS}/${org}`);
    expect([full.status, full.body.detail]).toEqual([409, expect.stringContaining('1 members and 2 teams')]);
    await house.admin.delete(`${ORGS}/${org}/members/${person.id}`);
    expect((await house.admin.delete(`${ORGS}/${org}`)).status).toBe(409);
    await house.admin.delete(`${ORGS}/${org}/teams/${team}`);
    await house.admin.delete(`${ORGS}/${org}/teams/${team + 1}`);
    expect((await house.admin.delete(`${ORGS}/${org}`)).status).toBe(200);
  });
});

describe('teams', () => {
  it('are made, shown, changed, listed page by page, and removed', async () => {
    const org = await house.makeOrg();
    const team = await house.makeTeam(org, { slug: 'nlp', description: 'Words' });
    const other = await house.makeTeam(org, { slug: 'vision' });
    const path = `${ORGS}/${org}/teams`;
    expect(ok(await house.admin.get(`${path}/${team}`)).team).toMatchObject({
      slug: 'nlp',
      org_id: org,
    });
    expect(ok(await house.admin.patch(`${path}/${team}`, { name: 'Words' })).team).toMatchObject({
      name: 'Words',
      description: 'Words',
    });
    const page = ok(await house.admin.get(`${path}?limit=1`));
    expect([page.teams[0].id, page.total]).toEqual([team, 2]);
    expect(ok(await house.admin.get(`${path}?limit=1&cursor=${page.next_cursor}`)).teams[0].id).toBe(other);
    expect(ok(await house.admin.delete(`${path}/${team}`))).toEqual({ success: true });
    expect((await house.admin.get(`${path}/${team}`)).status).toBe(404);
    expect((await house.admin.delete(`${path}/${team}`)).status).toBe(404);
  });

  it('have a slug each within their organization', async () => {
    const [a, b] = [await house.makeOrg(), await house.makeOrg()];
    await house.makeTeam(a, { slug: 'nlp' });
    await house.makeTeam(b, { slug: 'nlp' });
    const again = await house.admin.post(`${ORGS}/${a}/teams`, { name: 'Again', slug: 'nlp' });
    expect([again.status, again.body.detail]).toEqual([409, expect.stringContaining('slug')]);
  });

  it('are found in their own organization alone', async () => {
    const [a, b] = [await house.makeOrg(), await house.makeOrg()];
    const team = await house.makeTeam(a);
    const path = `${ORGS}/${b}/teams/${team}`;
    const person = await house.person('viewer');
    await house.joinTeam(a, team, person);
    const before = await house.rows();
    const limit = { quota_type: 'cost_daily', limit_value: 1 };
    const answers = [
      await house.admin.get(path),
      await house.admin.patch(path, { name: 'Mine' }),
      await house.admin.delete(path),
      await house.admin.get(`${path}/members`),
      await house.admin.post(`${path}/members`, { user_id: house.adminId }),
      await house.admin.patch(`${path}/members/${person.id}`, { role: 'lead' }),
      await house.admin.delete(`${path}/members/${person.id}`),
      await house.admin.get(`${path}/quotas`),
      await house.admin.post(`${path}/quotas`, limit),
      await house.admin.delete(`${path}/quotas/cost_daily`),
    ];
    expect(statusesOf(answers)).toEqual(answers.map(() => 404));
    expect(await house.rows()).toEqual(before);
  });

  it('refuse bad input', async () => {
    const org = await house.makeOrg();
    const team = await house.makeTeam(org);
    const before = await house.rows();
    const path = `${ORGS}/${org}/teams`;
    const good = { name: 'Other', slug: 'other' };
    await refusesBadInput(house.admin.post, path, good, [
      ['name', { ...good, name: '' }],
      ['slug', { ...good, slug: 'No' }],
      ['slug', { name: 'Other' }],
      ['description', { ...good, description: 7 }],
      ['settings', { ...good, settings: 7 }],
    ]);
    await refusesBadInput(house.admin.patch, `${path}/${team}`, { name: 'x' }, [['slug', { slug: 'x' }]]);
    expectProblem(await house.admin.get(`${path}/x`), 'team', 'team');
    expect(await house.rows()).toEqual(before);
  });
});

describe('what is told', () => {
  it('is each change of membership, and principals carry it from then on', async () => {
    const org = await house.makeOrg();
    const [team, other] = [await house.makeTeam(org), await house.makeTeam(org)];
    const person = await house.person('researcher');
    expect(await house.carried(person.token)).toEqual({ org: undefined, teams: undefined });
    const told = () =>
      house.peer.events(principalChanged).filter(({ data }) => data.user_id === person.id).length;
    const tells = async (change: Promise<Answer>) => {
      const before = told();
      expect((await change).status).toBeLessThan(300);
      await vi.waitFor(() => expect(told()).toBe(before + 1));
    };
    const path = `${ORGS}/${org}`;
    const user_id = person.id;
    await tells(house.admin.post(`${path}/members`, { user_id }));
    const { slug } = (await house.admin.get(path)).body.organization;
    expect(await house.carried(person.token)).toEqual({ org: { id: org, slug }, teams: undefined });
    await tells(house.admin.post(`${path}/teams/${team}/members`, { user_id }));
    await tells(house.admin.patch(`${path}/teams/${team}/members/${user_id}`, { role: 'lead' }));
    expect((await house.carried(person.token)).teams).toMatchObject([{ id: team, role: 'lead' }]);
    await tells(house.admin.delete(`${path}/teams/${team}/members/${user_id}`));
    await tells(house.admin.post(`${path}/teams/${other}/members`, { user_id }));
    await tells(house.admin.delete(`${path}/teams/${other}`));
    expect(await house.carried(person.token)).toEqual({ org: { id: org, slug }, teams: undefined });
    await tells(house.admin.delete(`${path}/members/${user_id}`));
    expect(await house.carried(person.token)).toEqual({ org: undefined, teams: undefined });
  });

  it('are the quotas that go with a team, and with an organization', async () => {
    const org = await house.makeOrg();
    const team = await house.makeTeam(org);
    const path = `${ORGS}/${org}`;
    for (const quota_type of ['cost_daily', 'concurrent_jobs'])
      for (const at of [path, `${path}/teams/${team}`])
        ok(await house.admin.post(`${at}/quotas`, { quota_type, limit_value: 3 }), 201);
    const gone = () =>
      house.peer
        .events(quotaChanged)
        .filter(({ data }) => data.limit === undefined)
        .map(({ subject }) => subject)
        .filter((subject) =>
          [`quota/org/${org}/`, `quota/team/${team}/`].some((one) => subject.startsWith(one)),
        );
    ok(await house.admin.delete(`${path}/teams/${team}`));
    const ofTeam = [`quota/team/${team}/concurrent_jobs`, `quota/team/${team}/cost_daily`];
    await vi.waitFor(() => expect(gone().toSorted()).toEqual(ofTeam));
    ok(await house.admin.delete(path));
    const ofOrg = [`quota/org/${org}/concurrent_jobs`, `quota/org/${org}/cost_daily`];
    await vi.waitFor(() => expect(gone().toSorted()).toEqual([...ofOrg, ...ofTeam]));
    expect(await house.service.database.query('select 1 from quotas')).toEqual([]);
  });
});
