import type { Queryable, Tx } from '@lineclear/kit';
import type { Job } from '../domain/job.js';

/** Sets money aside for attempts that are claimed. */
export async function reserve(tx: Tx, jobs: readonly Job[], now: Date): Promise<void> {
  await tx.query(
    `insert into ledger (job_id, attempt, user_id, provider, reserved_usd, reserved_at)
     select n.*, $6::timestamptz from unnest($1::text[], $2::int4[], $3::int4[], $4::text[], $5::numeric[]) as n`,
    [
      jobs.map((j) => j.id),
      jobs.map((j) => j.attempt),
      jobs.map((j) => j.userId),
      jobs.map((j) => j.provider),
      jobs.map((j) => j.estimatedCostUsd),
      now,
    ],
  );
}

/** Replaces what was set aside by what the attempts that just ended really cost. */
export async function settle(tx: Tx, jobs: readonly Job[], now: Date): Promise<void> {
  await tx.query(
    `update ledger l set settled_usd = n.usd, settled_at = $4
     from unnest($1::text[], $2::int4[], $3::numeric[]) as n(job_id, attempt, usd)
     where l.job_id = any($1::text[]) and l.job_id = n.job_id and l.attempt = n.attempt`,
    [
      jobs.map((j) => j.id),
      jobs.map((j) => j.attempt),
      jobs.map((j) => j.attempts.at(-1)?.cost_usd ?? 0),
      now,
    ],
  );
}

/** All that was spent, in US dollars. */
export async function spent(db: Queryable): Promise<number> {
  const [row] = await db.query<{ usd: number }>('select coalesce(sum(settled_usd), 0) as usd from ledger');
  return row?.usd ?? 0;
}
