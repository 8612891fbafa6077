import type { Queryable, Tx } from '@lineclear/kit';
import { patchValues, type Described, type DescribedPatch } from './orgs.repo.js';

export interface TeamRow extends Described {
  readonly id: number;
  readonly org_id: number;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly member_count: number;
}

const TEAM = `select t.id, t.org_id, t.name, t.slug, t.description, t.settings, t.created_at, t.updated_at,
  (select count(*) from team_members m where m.team_id = t.id) as member_count
  from teams t`;

/** The team, if it is one of this organisation. */
export async function byId(on: Queryable, orgId: number, id: number): Promise<TeamRow | undefined> {
  const [row] = await on.query<TeamRow>(`${TEAM} where t.org_id = $1 and t.id = $2`, [orgId, id]);
  return row;
}

export async function page(
  on: Queryable,
  query: { readonly orgId: number; readonly after: number; readonly limit: number },
): Promise<{ readonly rows: readonly TeamRow[]; readonly total: number }> {
  const [rows, counts] = await Promise.all([
    on.query<TeamRow>(`${TEAM} where t.org_id = $1 and t.id > $2 order by t.id limit $3`, [
      query.orgId,
      query.after,
      query.limit,
    ]),
    on.query<{ total: number }>('select count(*) as total from teams where org_id = $1', [query.orgId]),
  ]);
  return { rows, total: counts[0]?.total ?? 0 };
}

export async function insert(tx: Tx, orgId: number, team: Described, now: Date): Promise<number> {
  const [row] = await tx.query<{ id: number }>(
    `insert into teams (org_id, name, slug, description, settings, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $6) returning id`,
    [orgId, team.name, team.slug, team.description, JSON.stringify(team.settings), now],
  );
  return row!.id;
}

export async function update(tx: Tx, id: number, patch: DescribedPatch, now: Date): Promise<void> {
  await tx.query(
    `update teams set name = coalesce($2, name), description = coalesce($3, description),
       settings = coalesce($4::jsonb, settings), updated_at = $5 where id = $1`,
    [id, ...patchValues(patch), now],
  );
}

export async function remove(tx: Tx, id: number): Promise<void> {
  await tx.query('delete from teams where id = $1', [id]);
}
