import type { FINAL_STATES } from '@lineclear/contracts';
import type { Queryable, Tx } from '@lineclear/kit';
import type { Dependency } from '../domain/dependency.js';
import type { Job } from '../domain/job.js';

type Final = (typeof FINAL_STATES)[number];

/** Notes what new jobs wait for, in a transaction that has entered: nobody ends meanwhile. A job that is not there has not ended well. */
export async function add(tx: Tx, jobs: readonly Job[]): Promise<void> {
  const edges = jobs.flatMap(({ id, dependsOn }) => dependsOn.map((one) => ({ id, ...one })));
  if (edges.length === 0) return;
  await tx.query(
    `insert into dependencies (job_id, follows, condition, ended_as)
     select n.job_id, n.follows, n.condition, case when j.id is null then 'cancelled' when j.ended_at is not null then j.state end
     from unnest($1::text[], $2::text[], $3::text[]) as n(job_id, follows, condition) left join jobs j on j.id = n.follows`,
    [edges.map(({ id }) => id), edges.map(({ job_id }) => job_id), edges.map(({ when }) => when)],
  );
}

/** Jobs ended; true when some wait for them. */
export async function ended(tx: Tx, jobs: readonly Job[]): Promise<boolean> {
  if (jobs.length === 0) return false;
  const rows = await tx.query(
    `update dependencies d set ended_as = n.state from unnest($1::text[], $2::text[]) as n(id, state)
     where d.follows = n.id and d.ended_as is null returning 1`,
    [jobs.map(({ id }) => id), jobs.map(({ state }) => state)],
  );
  return rows.length > 0;
}

export async function areDue(db: Queryable): Promise<boolean> {
  const [row] = await db.query<{ due: boolean }>(
    'select exists (select from dependencies where ended_as is not null) as due',
  );
  return row?.due ?? false;
}

/** One that is over: which job waited, for which, and how that ended. */
export interface Settled {
  readonly jobId: string;
  readonly follows: string;
  readonly when: Dependency['when'];
  readonly endedAs: Final;
}

/** Takes out some that are over, to be told to those who wait in this transaction. */
export async function take(tx: Tx, limit: number): Promise<Settled[]> {
  return tx.query<Settled>(
    `delete from dependencies d using (
       select job_id, follows from dependencies where ended_as is not null order by job_id limit $1 for update skip locked) due
     where d.job_id = due.job_id and d.follows = due.follows
     returning d.job_id as "jobId", d.follows, d.condition as "when", d.ended_as as "endedAs"`,
    [limit],
  );
}

/** Forgets what jobs waited for that have ended otherwise. */
export async function drop(tx: Tx, jobs: readonly Job[]): Promise<void> {
  const waited = jobs.filter(({ unmet }) => unmet > 0).map(({ id }) => id);
  if (waited.length > 0) await tx.query('delete from dependencies where job_id = any($1::text[])', [waited]);
}
