import { approversFor, deciderNow, MAX_APPROVERS } from '@lineclear/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openOrgHouse, type OrgHouse } from './org-house.js';

const USERS = '/api/users';
const NOBODY = 2_147_483_647;
let house: OrgHouse;

beforeAll(async () => {
  house = await openOrgHouse();
});
afterAll(() => house?.close());

const asked = async (question: {
  org_id?: number | null;
  levels?: string[];
  team_id?: number;
  not?: number;
}): Promise<number[]> => {
  const { people } = await house.peer.ask(approversFor, {
    org_id: null,
    levels: ['lead'],
    not: NOBODY,
    ...question,
  });
  return people.map(({ user_id }) => user_id);
};
const override = (id: number, granted: boolean, permission_name = 'admin.approve') =>
  house.admin.post(`${USERS}/${id}/permissions`, { permission_name, granted });

it('asks who may approve, reaches the level, is of the organisation and is not the requester', async () => {
  const [lead, other, researcher, denied, gone] = [
    await house.person('lead'),
    await house.person('lead'),
    await house.person('researcher'),
    await house.person('lead'),
    await house.person('lead'),
  ];
  await house.admin.post(USERS, {
    username: 'robot',
    email: 'robot@lineclear.test',
    is_service_account: true,
    level: 'admin',
  });
  await override(denied.id, false);
  await house.admin.delete(`${USERS}/${gone.id}`);
  expect(await asked({})).toEqual([lead.id, other.id, house.adminId]);
  expect(await asked({ not: lead.id })).toEqual([other.id, house.adminId]);
  expect(await asked({ levels: ['lead', 'admin'] })).toEqual([house.adminId]);
  expect(await asked({ levels: ['was_once'] })).toEqual([house.adminId]);

  // By themselves, but for what their level reaches alone.
  await override(researcher.id, true);
  expect(await asked({})).not.toContain(researcher.id);
  expect(await asked({ levels: ['researcher'] })).toContain(researcher.id);

  // Of an organisation only its own people, and those who make organisations.
  const org = await house.makeOrg();
  await house.joinOrg(org, other);
  expect(await asked({ org_id: org })).toEqual([other.id, house.adminId]);
  expect(await asked({})).toEqual([lead.id, house.adminId]);
  await override(lead.id, true, 'org.create');
  expect(await asked({ org_id: org })).toEqual([lead.id, other.id, house.adminId]);

  const { people } = await house.peer.ask(approversFor, { org_id: org, levels: ['lead'], not: lead.id });
  expect(people[0]).toEqual({
    user_id: other.id,
    username: other.username,
    email: `${other.username}@lineclear.test`,
  });
});

it('asks of a team its members alone, and says whose team somebody is of', async () => {
  const org = await house.makeOrg();
  const team = await house.makeTeam(org);
  const [member, colleague] = [await house.person('lead'), await house.person('lead')];
  for (const one of [member, colleague]) await house.joinOrg(org, one);
  await house.joinTeam(org, team, member);
  expect(await asked({ org_id: org })).toEqual(expect.arrayContaining([member.id, colleague.id]));
  expect(await asked({ org_id: org, team_id: team })).toEqual([member.id]);
  expect(await asked({ org_id: org, team_id: team, levels: ['admin'] })).toEqual([]);
  const { decider } = await house.peer.ask(deciderNow, { user_id: member.id });
  expect(decider?.teams).toEqual([{ id: team, slug: expect.any(String), role: 'member' }]);
});

it('says what a person may decide now, and of nobody else', async () => {
  const lead = await house.person('lead');
  const org = await house.makeOrg();
  await house.joinOrg(org, lead);
  const now = async (user_id: number) => (await house.peer.ask(deciderNow, { user_id })).decider;
  expect(await now(lead.id)).toEqual({
    user_id: lead.id,
    username: lead.username,
    email: `${lead.username}@lineclear.test`,
    level: 'lead',
    reaches: ['viewer', 'researcher', 'lead'],
    permissions: expect.arrayContaining(['admin.approve']),
    org: { id: org, slug: expect.any(String) },
  });
  await override(lead.id, false);
  expect((await now(lead.id))?.permissions).not.toContain('admin.approve');
  await house.admin.patch(`${USERS}/${lead.id}`, { is_active: false });
  expect(await now(lead.id)).toBeNull();
  expect(await now(NOBODY)).toBeNull();
  const { body: robot } = await house.admin.post(USERS, {
    username: 'robot2',
    email: 'robot2@lineclear.test',
    is_service_account: true,
    level: 'admin',
  });
  expect(await now(robot.id)).toBeNull();
});

it('asks no more than so many', async () => {
  await house.service.database.query(
    `insert into users (username, email, display_name, level, created_at)
     select 'many' || n, 'many' || n || '@lineclear.test', '', 'lead', now() from generate_series(1, $1) n`,
    [MAX_APPROVERS + 1],
  );
  const people = await asked({});
  expect(people).toHaveLength(MAX_APPROVERS);
  // The nearest level goes first.
  expect(people).not.toContain(house.adminId);
});
