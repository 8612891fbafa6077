import type { Quota, QuotaKey, QuotaScope, QuotaType } from '@lineclear/contracts';
import type { Queryable, Tx } from '@lineclear/kit';

export interface QuotaRow extends Quota {
  readonly id: number;
  readonly created_at: Date;
  readonly updated_at: Date;
}

const COLUMNS = 'id, scope, subject, quota_type, "limit", action, created_at, updated_at';

/** The scopes that limit what one person uses. */
export const PERSONAL_SCOPES = ['global', 'level', 'user'] as const satisfies readonly QuotaScope[];

export async function personalById(on: Queryable, id: number): Promise<QuotaRow | undefined> {
  const [row] = await on.query<QuotaRow>(
    `select ${COLUMNS} from quotas where id = $1 and scope = any($2::text[])`,
    [id, PERSONAL_SCOPES],
  );
  return row;
}

export interface QuotaQuery {
  readonly after: number;
  readonly limit: number;
  readonly type: QuotaType | undefined;
  readonly scope: (typeof PERSONAL_SCOPES)[number] | undefined;
}

export async function personalPage(
  on: Queryable,
  query: QuotaQuery,
): Promise<{ readonly rows: readonly QuotaRow[]; readonly total: number }> {
  const wanted = 'scope = any($1::text[]) and ($2::text is null or quota_type = $2)';
  const values = [query.scope === undefined ? PERSONAL_SCOPES : [query.scope], query.type ?? null];
  const [rows, counts] = await Promise.all([
    on.query<QuotaRow>(`select ${COLUMNS} from quotas where ${wanted} and id > $3 order by id limit $4`, [
      ...values,
      query.after,
      query.limit,
    ]),
    on.query<{ total: number }>(`select count(*) as total from quotas where ${wanted}`, values),
  ]);
  return { rows, total: counts[0]?.total ?? 0 };
}

/** What is set for this one subject, or for each of several. */
export const ofSubjects = (
  on: Queryable,
  subjects: readonly Pick<QuotaKey, 'scope' | 'subject'>[],
): Promise<QuotaRow[]> =>
  on.query<QuotaRow>(
    `select ${COLUMNS} from quotas
      where (scope, subject) in (select * from unnest($1::text[], $2::text[])) order by id`,
    [subjects.map(({ scope }) => scope), subjects.map(({ subject }) => subject)],
  );

/** Sets a quota in the place of the one with its key, if there is one. */
export async function set(tx: Tx, quota: Quota, now: Date): Promise<QuotaRow> {
  const [row] = await tx.query<QuotaRow>(
    `insert into quotas (scope, subject, quota_type, "limit", action, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $6)
     on conflict (scope, subject, quota_type)
       do update set "limit" = excluded."limit", action = excluded.action, updated_at = excluded.updated_at
     returning ${COLUMNS}`,
    [quota.scope, quota.subject, quota.quota_type, quota.limit, quota.action, now],
  );
  return row!;
}

/** Takes away what is set for a subject: one type, or all of them. */
export const removeOf = (
  tx: Tx,
  { scope, subject, quota_type }: Omit<QuotaKey, 'quota_type'> & { readonly quota_type?: QuotaType },
): Promise<QuotaRow[]> =>
  tx.query<QuotaRow>(
    `delete from quotas where scope = $1 and subject = $2 and ($3::text is null or quota_type = $3)
     returning ${COLUMNS}`,
    [scope, subject, quota_type ?? null],
  );

/** The number of a change. To be asked for after the change itself, which lets changes of one quota wait for each other. */
export async function nextChange(tx: Tx): Promise<number> {
  const [row] = await tx.query<{ change: number }>(`select nextval('quota_changes') as change`);
  return row!.change;
}
