import { expectProblem, refusesBadInput } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ok, openOrgHouse, ORGS, statusesOf, type OrgHouse } from './org-house.js';

let house: OrgHouse;

beforeAll(async () => {
  house = await openOrgHouse();
});
afterAll(() => house?.close());
beforeEach(() => house.empty());

describe('members', () => {
  it('of a team are of its organization, and leave its teams with it', async () => {
    const org = await house.makeOrg();
    const [a, b] = [await house.makeTeam(org), await house.makeTeam(org)];
    const person = await house.person('viewer');
    await house.joinTeam(org, b, person, 'lead');
    await house.joinTeam(org, a, person);
    const members = ok(await house.admin.get(`${ORGS}/${org}/members`));
    const one = {
      user_id: person.id,
      username: person.username,
      display_name: person.username,
      is_active: true,
    };
    expect(members).toEqual({ members: [{ ...one, joined_at: expect.any(String) }], total: 1 });
    expect(ok(await house.admin.get(`${ORGS}/${org}/teams/${b}/members`)).members).toEqual([
      { ...one, role: 'lead', joined_at: expect.any(String) },
    ]);
    expect(ok(await house.admin.get(`${ORGS}/${org}`)).organization).toMatchObject({
      team_count: 2,
      member_count: 1,
    });
    // In the order in which they joined them.
    const { teams } = (await house.admin.get(`/api/users/${person.id}`)).body;
    expect(teams.map(({ id }: { id: number }) => id)).toEqual([b, a]);
    expect((await person.http.get('/api/users/me')).body).toMatchObject({ org: { id: org }, teams });

    expect((await house.admin.delete(`${ORGS}/${org}/members/${person.id}`)).status).toBe(200);
    expect((await house.admin.get(`/api/users/${person.id}`)).body).toMatchObject({ org: null, teams: [] });
    expect(ok(await house.admin.get(`${ORGS}/${org}/teams/${a}/members`)).total).toBe(0);
    expect((await house.admin.delete(`${ORGS}/${org}/members/${person.id}`)).status).toBe(404);
  });

  it('leave a team and stay in the organization', async () => {
    const org = await house.makeOrg();
    const team = await house.makeTeam(org);
    const person = await house.person('viewer');
    await house.joinTeam(org, team, person);
    const path = `${ORGS}/${org}/teams/${team}/members/${person.id}`;
    expect(ok(await house.admin.patch(path, { role: 'admin' })).member.role).toBe('admin');
    expect((await house.admin.delete(path)).status).toBe(200);
    expect(
      statusesOf([await house.admin.delete(path), await house.admin.patch(path, { role: 'lead' })]),
    ).toEqual([404, 404]);
    expect((await house.admin.get(`/api/users/${person.id}`)).body).toMatchObject({
      org: { id: org },
      teams: [],
    });
  });

  it('belong to one organization, and are in a team once', async () => {
    const [a, b] = [await house.makeOrg(), await house.makeOrg()];
    const [ofA, ofB] = [await house.makeTeam(a), await house.makeTeam(b)];
    const person = await house.person('viewer');
    await house.joinTeam(a, ofA, person);
    const before = await house.rows();
    const answers = [
      await house.admin.post(`${ORGS}/${b}/members`, { user_id: person.id }),
      await house.admin.post(`${ORGS}/${b}/teams/${ofB}/members`, { user_id: person.id }),
      await house.admin.post(`${ORGS}/${a}/members`, { user_id: person.id }),
      await house.admin.post(`${ORGS}/${a}/teams/${ofA}/members`, { user_id: person.id, role: 'lead' }),
    ];
    expect(answers.map(({ status, body }) => [status, body.detail])).toEqual([
      [409, expect.stringContaining('another organization')],
      [409, expect.stringContaining('another organization')],
      [409, expect.stringContaining('already')],
      [409, expect.stringContaining('already')],
    ]);
    expect(await house.rows()).toEqual(before);
  });

  it('may be service accounts', async () => {
    const org = await house.makeOrg();
    const team = await house.makeTeam(org);
    const { id } = ok(
      await house.admin.post('/api/users', { username: 'robot', is_service_account: true }),
      201,
    );
    await house.joinTeam(org, team, { id });
    const { key } = ok(await house.admin.post(`/api/users/${id}/api-keys`, { name: 'k' }), 201);
    expect(await house.carried(key)).toMatchObject({
      org: { id: org },
      teams: [{ id: team, role: 'member' }],
    });
  });

  it('are in no more teams than a principal carries', async () => {
    const org = await house.makeOrg();
    const person = await house.person('viewer');
    await house.joinOrg(org, person);
    await house.service.database.query(
      `with t as (insert into teams (org_id, name, slug, description, settings, created_at, updated_at)
         select $1, 'T', 'many-' || n, '', '{}', now(), now() from generate_series(1, 49) n returning id)
       insert into team_members (team_id, user_id, role, joined_at) select id, $2, 'member', now() from t`,
      [org, person.id],
    );
    await house.joinTeam(org, await house.makeTeam(org), person);
    expect((await house.carried(person.token)).teams).toHaveLength(50);
    const team = await house.makeTeam(org);
    const answer = await house.admin.post(`${ORGS}/${org}/teams/${team}/members`, { user_id: person.id });
    expect([answer.status, answer.body.detail]).toEqual([409, expect.stringContaining('50 teams')]);
  });

  it('are listed page by page', async () => {
    const org = await house.makeOrg();
    const team = await house.makeTeam(org);
    const people = [await house.person('viewer'), await house.person('viewer')];
    for (const person of people) await house.joinTeam(org, team, person);
    for (const path of [`${ORGS}/${org}/members`, `${ORGS}/${org}/teams/${team}/members`]) {
      const first = ok(await house.admin.get(`${path}?limit=1`));
      const rest = ok(await house.admin.get(`${path}?limit=5&cursor=${first.next_cursor}`));
      const ids = [...first.members, ...rest.members].map(({ user_id }: { user_id: number }) => user_id);
      expect([ids, first.total, rest.next_cursor]).toEqual([people.map(({ id }) => id), 2, undefined]);
    }
  });

  it('refuse bad input', async () => {
    const org = await house.makeOrg();
    const team = await house.makeTeam(org);
    const person = await house.person('viewer');
    await house.joinTeam(org, team, person);
    const before = await house.rows();
    const ids: [string, object][] = [
      {},
      { user_id: 'x' },
      { user_id: 0 },
      { user_id: 1.5 },
      { user_id: 999_999 },
    ].map((body) => ['user_id', body]);
    const path = `${ORGS}/${org}/teams/${team}/members`;
    await refusesBadInput(house.admin.post, `${ORGS}/${org}/members`, { user_id: house.adminId }, ids);
    await refusesBadInput(house.admin.post, path, { user_id: house.adminId }, [
      ...ids,
      ['role', { user_id: house.adminId, role: 'owner' }],
    ]);
    await refusesBadInput(house.admin.patch, `${path}/${person.id}`, { role: 'lead' }, [
      ['role', {}],
      ['role', { role: 'owner' }],
    ]);
    expectProblem(await house.admin.delete(`${path}/x`), 'user', 'user');
    expectProblem(await house.admin.delete(`${ORGS}/${org}/members/x`), 'user', 'user');
    expect(await house.rows()).toEqual(before);
  });

  it('of which one person is added to two organizations at once by many, are one', async () => {
    const orgs = [await house.makeOrg(), await house.makeOrg()];
    const teams = [await house.makeTeam(orgs[0]!), await house.makeTeam(orgs[1]!)];
    const person = await house.person('viewer');
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => {
        const org = orgs[n % 2]!;
        const into = n < 4 ? `${ORGS}/${org}/members` : `${ORGS}/${org}/teams/${teams[n % 2]}/members`;
        return house.admin.post(into, { user_id: person.id });
      }),
    );
    // Besides one who joins the organisation, one who joins a team of the same may come through.
    const joined = answers.filter(({ status }) => status === 201).length;
    expect([1, 2]).toContain(joined);
    expect(statusesOf(answers).filter((status) => status !== 201)).toEqual(Array(8 - joined).fill(409));
    const { org, teams: own } = await house.carried(person.token);
    const counts = await Promise.all(
      orgs.map(async (id) => ok(await house.admin.get(`${ORGS}/${id}/members`)).total),
    );
    expect(counts).toEqual(orgs.map((id) => (id === org!.id ? 1 : 0)));
    expect((own ?? []).every(({ id }) => id === teams[orgs.indexOf(org!.id)])).toBe(true);
  });

  it('do not join what is being removed', async () => {
    const org = await house.makeOrg();
    const person = await house.person('viewer');
    const [removed, added] = await house.service.database
      .tx(async (tx) => {
        await tx.query('select 1 from organizations where id = $1 for update', [org]);
        const waiting = [house.admin.delete(`${ORGS}/${org}`)];
        await house.untilOneWaits();
        return [...waiting, house.admin.post(`${ORGS}/${org}/members`, { user_id: person.id })];
      })
      .then((both) => Promise.all(both));
    const statuses = [removed!.status, added!.status];
    expect([
      [200, 404],
      [409, 201],
    ]).toContainEqual(statuses);
  });
});
