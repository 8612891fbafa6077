import type { Principal, TeamRole } from '@lineclear/contracts';
import type { Queryable, Tx } from '@lineclear/kit';

export type OrgOfPerson = NonNullable<Principal['org']>;
export type TeamOfPerson = NonNullable<Principal['teams']>[number];

/** SQL for the organisation of a person, `u`, as a principal carries it; null when there is none. */
export const ORG_OF_PERSON = `(select json_build_object('id', o.id, 'slug', o.slug)
  from org_members m join organizations o on o.id = m.org_id where m.user_id = u.id)`;
/** SQL for the teams of a person, `u`, the one joined first at the front; null when there are none. */
export const TEAMS_OF_PERSON = `(select json_agg(json_build_object('id', t.id, 'slug', t.slug, 'role', m.role) order by m.joined_at, t.id)
  from team_members m join teams t on t.id = m.team_id where m.user_id = u.id)`;

/** A person as one of an organisation. */
export interface MemberRow {
  readonly user_id: number;
  readonly username: string;
  readonly display_name: string;
  readonly is_active: boolean;
  readonly joined_at: Date;
}
export interface TeamMemberRow extends MemberRow {
  readonly role: TeamRole;
}

const IN_ORG = `select m.user_id, u.username, u.display_name, u.is_active, m.joined_at
  from org_members m join users u on u.id = m.user_id where m.org_id = $1`;
const IN_TEAM = `select m.user_id, u.username, u.display_name, u.is_active, m.joined_at, m.role
  from team_members m join users u on u.id = m.user_id where m.team_id = $1`;

interface MemberQuery {
  readonly after: number;
  readonly limit: number;
}
interface MemberPage<Row> {
  readonly rows: readonly Row[];
  readonly total: number;
}

export const pageOfOrg = (on: Queryable, orgId: number, query: MemberQuery): Promise<MemberPage<MemberRow>> =>
  page(on, IN_ORG, 'select count(*) as total from org_members where org_id = $1', orgId, query);
export const pageOfTeam = (
  on: Queryable,
  teamId: number,
  query: MemberQuery,
): Promise<MemberPage<TeamMemberRow>> =>
  page(on, IN_TEAM, 'select count(*) as total from team_members where team_id = $1', teamId, query);

async function page<Row>(
  on: Queryable,
  members: string,
  count: string,
  id: number,
  { after, limit }: MemberQuery,
): Promise<MemberPage<Row>> {
  const [rows, counts] = await Promise.all([
    on.query<Row>(`${members} and m.user_id > $2 order by m.user_id limit $3`, [id, after, limit]),
    on.query<{ total: number }>(count, [id]),
  ]);
  return { rows, total: counts[0]?.total ?? 0 };
}

export async function inOrg(on: Queryable, orgId: number, userId: number): Promise<MemberRow | undefined> {
  const [row] = await on.query<MemberRow>(`${IN_ORG} and m.user_id = $2`, [orgId, userId]);
  return row;
}

export async function inTeam(
  on: Queryable,
  teamId: number,
  userId: number,
): Promise<TeamMemberRow | undefined> {
  const [row] = await on.query<TeamMemberRow>(`${IN_TEAM} and m.user_id = $2`, [teamId, userId]);
  return row;
}

/** Makes a person one of the organisation; false when they belong to one already, this or another. */
export async function joinOrg(tx: Tx, orgId: number, userId: number, now: Date): Promise<boolean> {
  const rows = await tx.query(
    `insert into org_members (user_id, org_id, joined_at) values ($1, $2, $3)
     on conflict (user_id) do nothing returning user_id`,
    [userId, orgId, now],
  );
  return rows.length > 0;
}

/** Takes a person out of the organisation and so out of its teams; false when they were not in it. */
export async function leaveOrg(tx: Tx, orgId: number, userId: number): Promise<boolean> {
  const rows = await tx.query(
    'delete from org_members where org_id = $1 and user_id = $2 returning user_id',
    [orgId, userId],
  );
  return rows.length > 0;
}

export async function teamCount(on: Queryable, userId: number): Promise<number> {
  const [row] = await on.query<{ teams: number }>(
    'select count(*) as teams from team_members where user_id = $1',
    [userId],
  );
  return row?.teams ?? 0;
}

export async function userIdsOfTeam(on: Queryable, teamId: number): Promise<number[]> {
  const rows = await on.query<{ user_id: number }>(
    'select user_id from team_members where team_id = $1 order by user_id',
    [teamId],
  );
  return rows.map(({ user_id }) => user_id);
}

export async function joinTeam(
  tx: Tx,
  teamId: number,
  userId: number,
  role: TeamRole,
  now: Date,
): Promise<void> {
  await tx.query('insert into team_members (team_id, user_id, role, joined_at) values ($1, $2, $3, $4)', [
    teamId,
    userId,
    role,
    now,
  ]);
}

export async function setRole(tx: Tx, teamId: number, userId: number, role: TeamRole): Promise<void> {
  await tx.query('update team_members set role = $3 where team_id = $1 and user_id = $2', [
    teamId,
    userId,
    role,
  ]);
}

export async function leaveTeam(tx: Tx, teamId: number, userId: number): Promise<void> {
  await tx.query('delete from team_members where team_id = $1 and user_id = $2', [teamId, userId]);
}
