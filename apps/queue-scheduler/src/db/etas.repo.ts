import { LAZILY, type Queryable } from '@lineclear/kit';
import type { Measured } from '../domain/calibration.js';

/** Of each kind of machine so many runs are looked at, the last ones. */
const RUNS = 200;
/** And so many kinds of machines, and answers given. */
const MAX_MACHINES = 500;
const ANSWERS = 1_000;

// Failed runs held their slots too; what people cancelled says nothing of how long it would have taken.
const MEASURED = `
  select p.provider, p.hardware, array_agg(r.ratio) as ratios
  from (select distinct provider, hardware from pools order by 1, 2 limit ${MAX_MACHINES}) p
  cross join lateral (
    select extract(epoch from j.ended_at - j.claimed_at)::float8 / j.estimated_duration_seconds as ratio
    from jobs j
    where j.provider = p.provider and j.hardware = p.hardware and j.state in ('completed', 'failed') and j.started_at is not null
      and j.estimated_duration_seconds > 0 and j.claimed_at is not null
    order by j.ended_at desc limit ${RUNS}) r
  group by 1, 2`;

/** How long the last runs held their slots, as parts of what was estimated. */
export async function measured(db: Queryable): Promise<Measured[]> {
  return db.query<Measured>(MEASURED);
}

/** Keeps what is said of when a job starts, if nothing was said of it before. */
export async function keep(
  db: Queryable,
  jobId: string,
  { given, p50, p90 }: { readonly given: Date; readonly p50: Date; readonly p90: Date },
): Promise<void> {
  await db.query(
    `insert into eta_samples (job_id, given_at, p50, p90)
     select $1::text, $2::timestamptz, $3::timestamptz, $4::timestamptz where ${LAZILY} on conflict do nothing`,
    [jobId, given, p50, p90],
  );
}

/** How often the last answers held that can be judged: a job that has not started after its time is one that started late. */
export async function coverage(
  db: Queryable,
  now: Date,
): Promise<{ readonly answers: number; readonly p50: number; readonly p90: number }> {
  const [row] = await db.query<{ answers: number; p50: number; p90: number }>(
    `select count(*)::int4 as answers, coalesce(avg((started <= p50)::int4), 0)::float8 as p50, coalesce(avg((started <= p90)::int4), 0)::float8 as p90
     from (
       select e.p50, e.p90, coalesce(j.claimed_at, $1::timestamptz) as started
       from (select * from eta_samples order by given_at desc limit ${ANSWERS}) e join jobs j on j.id = e.job_id
       where j.claimed_at is not null or (j.ended_at is null and e.p90 < $1::timestamptz)) judged`,
    [now],
  );
  return row ?? { answers: 0, p50: 0, p90: 0 };
}

/** Forgets what was said long ago. */
export async function purge(db: Queryable, before: Date): Promise<void> {
  await db.query('delete from eta_samples where given_at < $1', [before]);
}
