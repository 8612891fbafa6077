import { type TeamRole } from '@lineclear/contracts';
import { expectProblem, type Answer, type Client } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ok, openOrgHouse, ORGS, statusesOf, type OrgHouse } from './org-house.js';

let house: OrgHouse;

beforeAll(async () => {
  house = await openOrgHouse();
});
afterAll(() => house?.close());
beforeEach(() => house.empty());

describe('who may', () => {
  /** Every route of an organisation and its teams, with a body that it would take. */
  const routes = (org: number, team: number, user: number): [string, (http: Client) => Promise<Answer>][] => {
    const path = `${ORGS}/${org}`;
    const limit = { quota_type: 'cost_daily', limit_value: 1 };
    const described = { name: 'Theirs', slug: 'theirs' };
    const list: [keyof Client, string, object?][] = [
      ['get', path],
      ['patch', path, { name: 'Theirs' }],
      ['get', `${path}/members`],
      ['post', `${path}/members`, { user_id: user }],
      ['delete', `${path}/members/${user}`],
      ['get', `${path}/quotas`],
      ['post', `${path}/quotas`, limit],
      ['delete', `${path}/quotas/cost_daily`],
      ['get', `${path}/teams`],
      ['post', `${path}/teams`, described],
      ['get', `${path}/teams/${team}`],
      ['patch', `${path}/teams/${team}`, { name: 'Theirs' }],
      ['get', `${path}/teams/${team}/members`],
      ['post', `${path}/teams/${team}/members`, { user_id: user }],
      ['patch', `${path}/teams/${team}/members/${user}`, { role: 'member' }],
      ['delete', `${path}/teams/${team}/members/${user}`],
      ['get', `${path}/teams/${team}/quotas`],
      ['post', `${path}/teams/${team}/quotas`, limit],
      ['delete', `${path}/teams/${team}/quotas/cost_daily`],
      ['delete', `${path}/teams/${team}`],
      ['delete', path],
    ];
    return list.map(([method, at, body]) => [
      `${method} ${at}`,
      (http) => (method === 'get' || method === 'delete' ? http[method](at) : http[method](at, body)),
    ]);
  };

  it('see an organization: its own people and staff; to others no route of it is there', async () => {
    const [org, elsewhere] = [await house.makeOrg(), await house.makeOrg()];
    const [team, other] = [await house.makeTeam(org), await house.makeTeam(elsewhere)];
    const [member, foreigner, homeless] = [
      await house.person('viewer'),
      await house.person('lead'),
      await house.person('lead'),
    ];
    await house.joinTeam(org, team, member);
    await house.joinTeam(elsewhere, other, foreigner, 'admin');
    const before = await house.rows();
    for (const { http } of [foreigner, homeless]) {
      for (const [name, knock] of routes(org, team, member.id)) {
        const answer = await knock(http);
        expect([name, answer.status]).toEqual([name, 404]);
        expect([name, answer.body.detail]).toEqual([name, `there is no organization "${org}"`]);
      }
    }
    const ids = async ({ http }: { http: Client }) =>
      ok(await http.get(ORGS)).organizations.map(({ id }: { id: number }) => id);
    expect([await ids(foreigner), await ids(homeless)]).toEqual([[elsewhere], []]);
    expect(await house.rows()).toEqual(before);
    // Who cannot see organisations at all learns nothing either.
    for (const [name, knock] of routes(org, team, member.id))
      expect([name, (await knock(member.http)).status]).toEqual([name, 403]);
    for (const [name, knock] of routes(org, team, member.id))
      expect([name, (await knock(house.anonymous)).status]).toEqual([name, 401]);
    expect(await house.rows()).toEqual(before);
  });

  it('change everything: staff, who belong to none', async () => {
    const org = await house.makeOrg();
    const team = await house.makeTeam(org);
    const person = await house.person('viewer');
    for (const [name, knock] of routes(org, team, person.id)) {
      const { status } = await knock(house.admin);
      expect([name, status], name).not.toEqual([name, 403]);
      expect(status, name).toBeLessThan(500);
    }
  });

  it('change what of their own organization: those with the permission for it', async () => {
    const org = await house.makeOrg();
    const [own, others] = [await house.makeTeam(org), await house.makeTeam(org)];
    const [lead, person] = [await house.person('lead'), await house.person('viewer')];
    await house.joinTeam(org, own, lead, 'lead');
    await house.joinOrg(org, person);
    const path = `${ORGS}/${org}`;
    const limit = { quota_type: 'cost_daily', limit_value: 1 };
    expect((await lead.http.get(path)).body.organization.id).toBe(org);
    expect((await lead.http.get(`${path}/quotas`)).status).toBe(200);
    expect((await lead.http.get(`${path}/teams/${others}/members`)).status).toBe(200);
    expect((await lead.http.patch(`${path}/teams/${others}`, { name: 'Renamed' })).status).toBe(200);
    const before = await house.rows();
    const refused = [
      await lead.http.post(ORGS, { name: 'Mine', slug: 'mine' }),
      await lead.http.patch(path, { name: 'Mine' }),
      await lead.http.delete(path),
      await lead.http.post(`${path}/members`, { user_id: person.id }),
      await lead.http.delete(`${path}/members/${person.id}`),
      await lead.http.post(`${path}/quotas`, limit),
      await lead.http.delete(`${path}/quotas/cost_daily`),
      await lead.http.post(`${path}/teams/${own}/quotas`, limit),
      await lead.http.delete(`${path}/teams/${own}/quotas/cost_daily`),
      await lead.http.delete(`${path}/teams/${own}`),
      await lead.http.post(`${path}/teams/${others}/members`, { user_id: person.id }),
    ];
    expect(statusesOf(refused)).toEqual(refused.map(() => 403));
    expect(await house.rows()).toEqual(before);
  });

  it('let people into a team that they made: those of the organization', async () => {
    const org = await house.makeOrg();
    const [lead, person] = [await house.person('lead'), await house.person('viewer')];
    await house.joinOrg(org, lead);
    const { id } = ok(await lead.http.post(`${ORGS}/${org}/teams`, { name: 'Mine', slug: 'mine' }), 201).team;
    const path = `${ORGS}/${org}/teams/${id}`;
    expect((await house.carried(lead.token)).teams).toMatchObject([{ id, role: 'admin' }]);
    // Nobody takes people in who belong to no organization, and hears nothing of who there is.
    for (const user_id of [person.id, 999_999])
      expectProblem(await lead.http.post(`${path}/members`, { user_id }), String(user_id), 'user_id');
    await house.joinOrg(org, person);
    expect((await lead.http.post(`${path}/members`, { user_id: person.id })).status).toBe(201);
    expect((await lead.http.delete(path)).status).toBe(200);
  });

  it.each<[TeamRole, TeamRole | undefined, TeamRole | undefined, number]>([
    ['member', undefined, 'member', 403],
    ['lead', undefined, 'member', 201],
    ['lead', undefined, 'admin', 403],
    ['lead', 'member', 'lead', 200],
    ['lead', 'member', 'admin', 403],
    ['lead', 'member', undefined, 200],
    ['lead', 'lead', 'member', 403],
    ['lead', 'lead', undefined, 403],
    ['lead', 'admin', undefined, 403],
    ['admin', 'lead', undefined, 200],
    ['admin', 'lead', 'member', 200],
    ['admin', 'member', 'admin', 200],
    ['admin', 'admin', 'member', 403],
    ['admin', 'admin', undefined, 403],
  ])('change members by role: a team %s makes of a %s a %s: %d', async (own, before, after, status) => {
    const org = await house.makeOrg();
    const team = await house.makeTeam(org);
    const [author, person] = [await house.person('lead'), await house.person('viewer')];
    await house.joinTeam(org, team, author, own);
    if (before) await house.joinTeam(org, team, person, before);
    else await house.joinOrg(org, person);
    const path = `${ORGS}/${org}/teams/${team}/members`;
    const rows = await house.rows();
    const answer =
      before === undefined
        ? await author.http.post(path, { user_id: person.id, role: after })
        : after === undefined
          ? await author.http.delete(`${path}/${person.id}`)
          : await author.http.patch(`${path}/${person.id}`, { role: after });
    expect(answer.status, JSON.stringify(answer.body)).toBe(status);
    if (status !== 403) return;
    // It names the role that stands in the way.
    if (own !== 'member')
      expect(answer.body.detail).toContain(after === 'admin' ? 'admin is above lead' : before);
    expect(await house.rows()).toEqual(rows);
  });

  it('is asked of the key too: its scope bounds what its owner may', async () => {
    const org = await house.makeOrg();
    const team = await house.makeTeam(org);
    const scoped = async (...scoped_permissions: string[]) =>
      house.key(ok(await house.admin.post('/api/auth/api-keys', { name: 'k', scoped_permissions }), 201).key);
    const looks = await scoped('org.view', 'team.view');
    // Without org.create the key is of no staff, and its owner of no organisation.
    expect((await looks.get(`${ORGS}/${org}`)).status).toBe(404);
    const staff = await scoped('org.view', 'team.view', 'org.create');
    expect((await staff.get(`${ORGS}/${org}`)).status).toBe(200);
    const limit = { quota_type: 'cost_daily', limit_value: 1 };
    const refused = [
      await staff.post(`${ORGS}/${org}/quotas`, limit),
      await staff.post(`${ORGS}/${org}/teams`, { name: 'x', slug: 'x' }),
      await staff.post(`${ORGS}/${org}/teams/${team}/members`, { user_id: house.adminId }),
    ];
    expect(refused.map(({ status, body }) => [status, body.detail])).toEqual(
      ['admin.config', 'team.create', 'team.manage.members'].map((name) => [
        403,
        expect.stringContaining(name),
      ]),
    );
  });
});
