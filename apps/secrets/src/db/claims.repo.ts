import type { Queryable, Tx } from '@lineclear/kit';
import type { Approved } from '../domain/may-have.js';
import type { Attempt } from '../domain/lookup.js';

/** An attempt of a job that names secrets. */
export interface Claim {
  readonly jobId: string;
  readonly attempt: number;
  readonly claimId: string | null;
  readonly userId: number;
  readonly teamId: number | null;
  readonly orgId: number | null;
  readonly provider: string;
  readonly names: readonly string[];
  /** Those of them that take an approval, and have it. */
  readonly approved: readonly Approved[];
}

export interface KeptClaim extends Claim {
  readonly endedAt: Date | null;
}

/** Notes claims, each once: one whose end was heard of before stays ended. */
export const addClaims = (tx: Tx, claims: readonly Claim[], at: Date): Promise<unknown> =>
  insert(tx, claims, at, null, 'nothing');

/** Notes that claims have ended, also those that were not heard of yet. */
export const endClaims = (tx: Tx, claims: readonly Claim[], at: Date): Promise<unknown> =>
  insert(tx, claims, at, at, 'update set ended_at = coalesce(claims.ended_at, excluded.ended_at)');

/** No row twice: the database does not change one twice in one statement. */
async function insert(
  tx: Tx,
  claims: readonly Claim[],
  at: Date,
  endedAt: Date | null,
  onConflict: string,
): Promise<void> {
  const each = new Map(claims.map((claim) => [`${claim.jobId} ${claim.attempt}`, claim]));
  if (each.size === 0) return;
  const rows = [...each.values()].map(({ names, ...rest }) => ({ ...rest, names: [...names] }));
  await tx.query(
    `insert into claims (job_id, attempt, claim_id, user_id, team_id, org_id, provider, names, approved, claimed_at, ended_at)
     select c."jobId", c.attempt, c."claimId", c."userId", c."teamId", c."orgId", c.provider,
            array(select json_array_elements_text(c.names)), c.approved, $2::timestamptz, $3::timestamptz
       from json_to_recordset($1::json) as c("jobId" text, attempt int, "claimId" uuid, "userId" int, "teamId" int, "orgId" int, provider text, names json, approved json)
     on conflict (job_id, attempt) do ${onConflict}`,
    [JSON.stringify(rows), at, endedAt],
  );
}

// What comes next ends the one before, whether its own end was heard of by then or not.
const CLAIM = `select job_id as "jobId", attempt, claim_id as "claimId", user_id as "userId", team_id as "teamId", org_id as "orgId",
    provider, names, approved,
    coalesce(ended_at, (select min(n.claimed_at) from claims n where n.job_id = c.job_id and n.attempt > c.attempt)) as "endedAt"
  from claims c`;

export async function findClaim(
  on: Queryable,
  jobId: string,
  attempt: number,
): Promise<KeptClaim | undefined> {
  const [claim] = await on.query<KeptClaim>(`${CLAIM} where job_id = $1 and attempt = $2`, [jobId, attempt]);
  return claim;
}

/** All attempts of a job that named secrets, the first one first. */
export const claimsOf = (on: Queryable, jobId: string): Promise<KeptClaim[]> =>
  on.query(`${CLAIM} where job_id = $1 order by attempt`, [jobId]);

/** Whether an attempt has ended, or another one came after it. Its end waits for the transaction that asks this. */
export async function hasEnded(tx: Tx, { jobId, attempt }: Attempt): Promise<boolean> {
  const claims = await tx.query<{ attempt: number; ended_at: Date | null }>(
    'select attempt, ended_at from claims where job_id = $1 for share',
    [jobId],
  );
  return claims.some((one) => one.attempt > attempt || (one.attempt === attempt && one.ended_at !== null));
}

/** Forgets up to `limit` jobs that ended before, with all their attempts; how many attempts. */
export async function forgetClaims(on: Queryable, before: Date, limit: number): Promise<number> {
  const rows = await on.query(
    `delete from claims where job_id in (
       select job_id from claims where ended_at < $1 order by ended_at limit $2) returning attempt`,
    [before, limit],
  );
  return rows.length;
}
