import type { Queryable, Tx } from '@lineclear/kit';
import { monthOf, type StandingApproval } from '../domain/standing-approval.js';
import type { StandingApprovalRow } from './standing-approval.entity.js';

export type NewStandingApproval = Omit<StandingApproval, 'id' | 'spentUsd' | 'spentMonth' | 'revokedAt'> & {
  readonly tenantId: number | null;
};

export async function insertStanding(tx: Tx, one: NewStandingApproval): Promise<StandingApproval> {
  const { covers } = one;
  const [row] = await tx.query<StandingApprovalRow>(
    `insert into standing_approval (user_id, team_id, org_id, provider, config_pattern, hardware_pattern, max_job_usd, cap_usd, per,
       starts_at, ends_at, reason, granted_by_id, granted_by, created_at, tenant_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) returning *`,
    [
      covers.userId,
      covers.teamId,
      covers.orgId,
      covers.provider,
      covers.configPattern,
      covers.hardwarePattern,
      covers.maxJobUsd,
      one.capUsd,
      one.per,
      one.startsAt,
      one.endsAt,
      one.reason,
      one.grantedById,
      one.grantedBy,
      one.createdAt,
      one.tenantId,
    ],
  );
  return standingOf(row!);
}

/** Those that are in force, or will be, in the order in which they were granted. */
export async function standingNow(db: Queryable, now: Date): Promise<StandingApproval[]> {
  const rows = await db.query<StandingApprovalRow>(
    'select * from standing_approval where revoked_at is null and ends_at > $1 order by id',
    [now],
  );
  return rows.map(standingOf);
}

/** Whose they may be seen: undefined for everybody's, null for those of no organisation. */
export interface StandingFilter {
  readonly tenantId: number | null | undefined;
  readonly activeAt?: Date | undefined;
}

/** The newest `limit` below `before`, newest first. */
export async function listStanding(
  db: Queryable,
  { tenantId, activeAt }: StandingFilter,
  page: { limit: number; before?: number | undefined },
): Promise<StandingApproval[]> {
  const rows = await db.query<StandingApprovalRow>(
    `select * from standing_approval
     where ($1::boolean or tenant_id is not distinct from $2::int) and ($3::timestamptz is null or (revoked_at is null and ends_at > $3))
       and ($4::int is null or id < $4) order by id desc limit $5`,
    [tenantId === undefined, tenantId ?? null, activeAt ?? null, page.before ?? null, page.limit],
  );
  return rows.map(standingOf);
}

export async function countStandingNow(db: Queryable, now: Date): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    'select count(*) as count from standing_approval where revoked_at is null and ends_at > $1',
    [now],
  );
  return row?.count ?? 0;
}

/** Takes it back, from the next job on; undefined where there is none to be taken back. */
export async function revokeStanding(
  tx: Tx,
  id: number,
  tenantId: number | null | undefined,
  now: Date,
): Promise<StandingApproval | undefined> {
  const [row] = await tx.query<StandingApprovalRow>(
    `update standing_approval set revoked_at = $4
     where id = $1 and ($2::boolean or tenant_id is not distinct from $3::int) and revoked_at is null and ends_at > $4 returning *`,
    [id, tenantId === undefined, tenantId ?? null, now],
  );
  return row && standingOf(row);
}

/** Takes the cost from its sum; false where it is not in force any more or that is more than is left. One statement: no two spend the same. */
export async function spendStanding(tx: Tx, id: number, costUsd: number, now: Date): Promise<boolean> {
  const rows = await tx.query(
    `update standing_approval set spent_month = $3,
       spent_usd = $2::numeric + case when per = 'month' and spent_month is distinct from $3 then 0 else spent_usd end
     where id = $1 and revoked_at is null and starts_at <= $4 and ends_at > $4
       and $2::numeric + case when per = 'month' and spent_month is distinct from $3 then 0 else spent_usd end <= cap_usd
     returning id`,
    [id, costUsd, monthOf(now), now],
  );
  return rows.length > 0;
}

const standingOf = (row: StandingApprovalRow): StandingApproval => ({
  id: row.id,
  covers: {
    userId: row.user_id,
    teamId: row.team_id,
    orgId: row.org_id,
    provider: row.provider,
    configPattern: row.config_pattern,
    hardwarePattern: row.hardware_pattern,
    maxJobUsd: row.max_job_usd,
  },
  capUsd: row.cap_usd,
  per: row.per,
  spentUsd: row.spent_usd,
  spentMonth: row.spent_month,
  startsAt: row.starts_at,
  endsAt: row.ends_at,
  revokedAt: row.revoked_at,
  reason: row.reason,
  grantedById: row.granted_by_id,
  grantedBy: row.granted_by,
  createdAt: row.created_at,
});
