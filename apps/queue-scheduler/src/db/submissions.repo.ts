import { LAZILY, type Queryable } from '@lineclear/kit';

export interface KnownKey {
  readonly job_id: string;
  readonly request_sha256: string;
}
export interface Counted {
  readonly known: (KnownKey & { readonly index: number })[];
  /** Per user, before the submits that were just counted. */
  readonly before: Map<number, { readonly jobsLast24h: number; readonly isFirst: boolean }>;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const hourOf = (at: Date): Date => new Date(Math.floor(at.getTime() / HOUR_MS) * HOUR_MS);

// Counted before the rules are asked, in a transaction of its own: of two submits at once, on whatever replica, one
// sees the other. A submit that fails later stays counted, which errs on the strict side. The disk is not waited for: a job
// whose own commit outlives a crash was counted by an earlier one, and so is its count.
const COUNT = `
  with asked as (select user_id, key, n::int4 - 1 as n from unnest($1::int4[], $2::text[]) with ordinality as a(user_id, key, n)),
  known as (
    select a.n, k.job_id, k.request_sha256 from asked a cross join lateral (
      select job_id, request_sha256 from idempotency_keys where user_id = a.user_id and key = a.key limit 1) k
    where a.key is not null),
  counted as (
    insert into submissions (user_id, hour, jobs)
    select user_id, $3, count(*) from asked where n not in (select n from known) and ${LAZILY} group by user_id order by user_id
    on conflict (user_id, hour) do update set jobs = submissions.jobs + excluded.jobs returning user_id, jobs)
  select n, job_id, request_sha256, null::int4 as user_id, 0 as day, 0 as ever from known
  union all
  select 0, null, null, c.user_id, (c.jobs - a.jobs + coalesce(e.day, 0))::int4, (c.jobs - a.jobs + coalesce(e.ever, 0))::int4
  from counted c
  join (select user_id, count(*) as jobs from asked where n not in (select n from known) group by user_id) a using (user_id)
  left join lateral (
    select sum(jobs) filter (where hour >= $4) as day, sum(jobs) as ever from submissions where user_id = c.user_id and hour <> $3) e on true`;

interface CountRow {
  readonly n: number;
  readonly job_id: string | null;
  readonly request_sha256: string | null;
  readonly user_id: number | null;
  readonly day: number;
  readonly ever: number;
}

/** Finds the keys that are known and counts the other submits. */
export async function count(
  db: Queryable,
  submits: readonly { readonly userId: number; readonly key?: string | undefined }[],
  now: Date,
): Promise<Counted> {
  const rows = await db.query<CountRow>(COUNT, [
    submits.map(({ userId }) => userId),
    submits.map(({ key }) => key ?? null),
    hourOf(now),
    // The hour in which the day began counts whole: too many keep a rule, too few slip past it.
    hourOf(new Date(now.getTime() - DAY_MS)),
  ]);
  const counted: Counted = { known: [], before: new Map() };
  for (const { n, job_id, request_sha256, user_id, day, ever } of rows) {
    if (user_id !== null) counted.before.set(user_id, { jobsLast24h: day, isFirst: ever === 0 });
    else if (job_id !== null && request_sha256 !== null)
      counted.known.push({ index: n, job_id, request_sha256 });
  }
  return counted;
}

export async function keyOf(db: Queryable, userId: number, key: string): Promise<KnownKey | undefined> {
  const [row] = await db.query<KnownKey>(
    'select job_id, request_sha256 from idempotency_keys where user_id = $1 and key = $2',
    [userId, key],
  );
  return row;
}

/** Forgets old keys, and folds old hours into one row per user. */
export async function purge(db: Queryable, now: Date, keysBefore: Date): Promise<void> {
  await db.query('delete from idempotency_keys where created_at < $1', [keysBefore]);
  await db.query(
    `with old as (delete from submissions where hour < $1 and hour > 'epoch' returning user_id, jobs)
     insert into submissions (user_id, hour, jobs) select user_id, 'epoch', sum(jobs) from old group by user_id
     on conflict (user_id, hour) do update set jobs = submissions.jobs + excluded.jobs`,
    [new Date(now.getTime() - DAY_MS - HOUR_MS)],
  );
}
