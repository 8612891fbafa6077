import type { Quota, QuotaKey } from '@lineclear/contracts';
import type { Queryable, Tx } from '@lineclear/kit';

/** Takes over what auth says of a quota, unless something newer is known; no limit takes it away. Answers the limit before, when it was news. */
export async function take(
  tx: Tx,
  { scope, subject, quota_type }: QuotaKey,
  set: Pick<Quota, 'limit' | 'action'> | undefined,
  version: number,
): Promise<{ readonly before: number | null } | undefined> {
  const [row] = await tx.query<{ before: number | null }>(
    `with old as (select limit_value from quotas where scope = $1 and subject = $2 and quota_type = $3)
     insert into quotas (scope, subject, quota_type, limit_value, action, version) values ($1, $2, $3, $4, $5, $6)
     on conflict (scope, subject, quota_type) do update
       set limit_value = excluded.limit_value, action = excluded.action, version = excluded.version
       where quotas.version < excluded.version
     returning (select limit_value from old) as before`,
    [scope, subject, quota_type, set?.limit ?? null, set?.action ?? null, version],
  );
  return row;
}

/** Part of a select list: whether there is any quota at all. */
export const HAS_QUOTAS = `exists (select from quotas where limit_value is not null)`;

/** Whom quotas may be about. */
export interface Subjects {
  readonly userIds: readonly number[];
  readonly levels: readonly string[];
  readonly teamIds: readonly number[];
  readonly orgIds: readonly number[];
}

export const subjectsOf = (
  jobs: readonly {
    readonly userId: number;
    readonly level: string;
    readonly teamId: number | null;
    readonly orgId: number | null;
  }[],
): Subjects => ({
  userIds: [...new Set(jobs.map(({ userId }) => userId))],
  levels: [...new Set(jobs.map(({ level }) => level))],
  teamIds: [...new Set(jobs.map(({ teamId }) => teamId).filter((id) => id !== null))],
  orgIds: [...new Set(jobs.map(({ orgId }) => orgId).filter((id) => id !== null))],
});

/** The quotas about any of these, and those about everyone. */
export async function about(db: Queryable, { userIds, levels, teamIds, orgIds }: Subjects): Promise<Quota[]> {
  return db.query<Quota>(
    `select scope, subject, quota_type, limit_value as "limit", action from quotas
     where limit_value is not null and (scope = 'global' or (scope = 'user' and subject = any($1::int4[]::text[]))
       or (scope = 'level' and subject = any($2::text[])) or (scope = 'team' and subject = any($3::int4[]::text[]))
       or (scope = 'org' and subject = any($4::int4[]::text[])))`,
    [userIds, levels, teamIds, orgIds],
  );
}

/** Notes that people are told of a quota in this period; false when they were already. */
export async function tell(
  tx: Tx,
  { scope, subject, quota_type }: QuotaKey,
  what: 'warning' | 'exceeded',
  period: Date,
): Promise<boolean> {
  const rows = await tx.query(
    `insert into quotas_told (scope, subject, quota_type, what, period) values ($1, $2, $3, $4, $5)
     on conflict do nothing returning what`,
    [scope, subject, quota_type, what, period],
  );
  return rows.length > 0;
}

/** There is more room than before: what comes is news again. */
export async function forgetTold(tx: Tx, { scope, subject, quota_type }: QuotaKey): Promise<void> {
  await tx.query('delete from quotas_told where scope = $1 and subject = $2 and quota_type = $3', [
    scope,
    subject,
    quota_type,
  ]);
}

export async function purgeTold(db: Queryable, before: Date): Promise<void> {
  await db.query('delete from quotas_told where period < $1', [before]);
}
