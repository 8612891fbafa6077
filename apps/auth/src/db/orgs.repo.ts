import { Conflict, type Queryable, type Tx } from '@lineclear/kit';

/** What is said of an organisation, or of a team. */
export interface Described {
  readonly name: string;
  readonly slug: string;
  readonly description: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** What of it may change; the slug is an address, and stays. */
export type DescribedPatch = { readonly [K in Exclude<keyof Described, 'slug'>]?: Described[K] | undefined };

export interface OrgRow extends Described {
  readonly id: number;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly team_count: number;
  readonly member_count: number;
}

const ORG = `select o.id, o.name, o.slug, o.description, o.settings, o.created_at, o.updated_at,
  (select count(*) from teams t where t.org_id = o.id) as team_count,
  (select count(*) from org_members m where m.org_id = o.id) as member_count
  from organizations o`;

export async function byId(on: Queryable, id: number): Promise<OrgRow | undefined> {
  const [row] = await on.query<OrgRow>(`${ORG} where o.id = $1`, [id]);
  return row;
}

/** Lists organisations by id: all, or this one. */
export async function page(
  on: Queryable,
  query: { readonly after: number; readonly limit: number; readonly only: number | undefined },
): Promise<{ readonly rows: readonly OrgRow[]; readonly total: number }> {
  const only = query.only ?? null;
  const [rows, counts] = await Promise.all([
    on.query<OrgRow>(`${ORG} where o.id > $1 and ($3::integer is null or o.id = $3) order by o.id limit $2`, [
      query.after,
      query.limit,
      only,
    ]),
    on.query<{ total: number }>(
      'select count(*) as total from organizations where $1::integer is null or id = $1',
      [only],
    ),
  ]);
  return { rows, total: counts[0]?.total ?? 0 };
}

/** Holds the organisation until the transaction ends; false when there is none. */
export async function lock(tx: Tx, id: number): Promise<boolean> {
  return (await tx.query('select id from organizations where id = $1 for update', [id])).length > 0;
}

export async function insert(tx: Tx, org: Described, now: Date): Promise<number> {
  const [row] = await tx.query<{ id: number }>(
    `insert into organizations (name, slug, description, settings, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $5) returning id`,
    [org.name, org.slug, org.description, JSON.stringify(org.settings), now],
  );
  return row!.id;
}

export async function update(tx: Tx, id: number, patch: DescribedPatch, now: Date): Promise<void> {
  await tx.query(
    `update organizations set name = coalesce($2, name), description = coalesce($3, description),
       settings = coalesce($4::jsonb, settings), updated_at = $5 where id = $1`,
    [id, ...patchValues(patch), now],
  );
}

export async function remove(tx: Tx, id: number): Promise<void> {
  await tx.query('delete from organizations where id = $1', [id]);
}

export const patchValues = ({ name, description, settings }: DescribedPatch): unknown[] => [
  name ?? null,
  description ?? null,
  settings === undefined ? null : JSON.stringify(settings),
];

const TAKEN: Readonly<Record<string, string>> = {
  organizations_slug: 'there is an organization with this slug',
  teams_slug: 'there is a team with this slug in the organization',
};

/** Runs a change of organisations or teams; who comes second to a slug gets a Conflict. */
export async function refuseTaken<T>(change: Promise<T>): Promise<T> {
  try {
    return await change;
  } catch (cause) {
    const { code, constraint } = cause as { code?: string; constraint?: string };
    const taken = code === '23505' && constraint !== undefined ? TAKEN[constraint] : undefined;
    throw taken === undefined ? cause : new Conflict(taken);
  }
}
