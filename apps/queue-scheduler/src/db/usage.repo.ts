import type { Queryable, Tx } from '@lineclear/kit';
import { idOf, scopeOf, type Holder } from '../domain/holders.js';
import { startOf, hourOf } from '../domain/period.js';
import { NOTHING_USED, type Use } from '../domain/quotas.js';
import { WAITING, type UsageDelta } from '../domain/usage.js';

// What waits is booked in an hour that never comes.
const NEVER = 'infinity';
const holders = (of: readonly Holder[]): [string[], number[]] => [of.map(scopeOf), of.map(idOf)];

/** Books what changes of jobs do to what their holders use, in a transaction that has entered. */
export async function book(tx: Tx, deltas: readonly UsageDelta[]): Promise<void> {
  if (deltas.length === 0) return;
  await tx.query(
    `insert into usage (scope, subject, hour, submitted, usd, gpu_seconds)
     select * from unnest($1::text[], $2::int4[], $3::timestamptz[], $4::int4[], $5::numeric[], $6::numeric[]) as n
     on conflict (scope, subject, hour) do update set submitted = usage.submitted + excluded.submitted,
       usd = usage.usd + excluded.usd, gpu_seconds = usage.gpu_seconds + excluded.gpu_seconds`,
    [
      ...holders(deltas.map(({ holder }) => holder)),
      deltas.map(({ hour }) => (hour === WAITING ? NEVER : hour)),
      deltas.map(({ submitted }) => submitted),
      deltas.map(({ usd }) => usd),
      deltas.map(({ gpuSeconds }) => gpuSeconds),
    ],
  );
}

interface UseRow {
  readonly scope: string;
  readonly subject: number;
  readonly running: number;
  readonly hour: number;
  readonly day: number;
  readonly usd_day: number;
  readonly usd_month: number;
  readonly gpu_seconds_month: number;
  readonly usd_waiting: number;
  readonly gpu_seconds_waiting: number;
}
const SECONDS_PER_HOUR = 3_600;

/** What these use right now; who is not in the answer uses nothing. */
export async function of(
  db: Queryable,
  wanted: readonly Holder[],
  now: Date,
): Promise<ReadonlyMap<Holder, Use>> {
  const rows = await db.query<UseRow>(
    `select n.scope, n.subject, coalesce(s.running, 0) as running, u.*
     from unnest($1::text[], $2::int4[]) as n(scope, subject)
     left join slots s on s.scope = n.scope and s.subject = n.subject
     cross join lateral (
       select coalesce(sum(submitted) filter (where hour = $3), 0)::int4 as hour,
         coalesce(sum(submitted) filter (where hour >= $4), 0)::int4 as day,
         coalesce(sum(usd) filter (where hour >= $4 and hour < 'infinity'), 0) as usd_day,
         coalesce(sum(usd) filter (where hour < 'infinity'), 0) as usd_month,
         coalesce(sum(gpu_seconds) filter (where hour < 'infinity'), 0) as gpu_seconds_month,
         coalesce(sum(usd) filter (where hour = 'infinity'), 0) as usd_waiting,
         coalesce(sum(gpu_seconds) filter (where hour = 'infinity'), 0) as gpu_seconds_waiting
       from usage where scope = n.scope and subject = n.subject and hour >= $5) u`,
    [...holders(wanted), hourOf(now), startOf('day', now), startOf('month', now)],
  );
  return new Map(
    rows.map((row): [Holder, Use] => [
      `${row.scope}:${row.subject}` as Holder,
      {
        ...NOTHING_USED,
        running: row.running,
        submittedThisHour: row.hour,
        submittedToday: row.day,
        spentToday: row.usd_day,
        spentThisMonth: row.usd_month,
        gpuHoursThisMonth: row.gpu_seconds_month / SECONDS_PER_HOUR,
        waitingUsd: row.usd_waiting,
        waitingGpuHours: row.gpu_seconds_waiting / SECONDS_PER_HOUR,
      },
    ]),
  );
}

/** Forgets hours that no quota looks at any more. */
export async function purge(db: Queryable, before: Date): Promise<void> {
  await db.query('delete from usage where hour < $1', [before]);
}
