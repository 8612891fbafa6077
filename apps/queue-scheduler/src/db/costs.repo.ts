import type { Queryable, Tx } from '@lineclear/kit';
import { NO_COST_LIMIT, startOfPeriod, type CostStanding } from '../domain/cost-limits.js';
import { WAITING } from '../domain/usage.js';
import type { SpendDelta } from '../domain/provider-spend.js';

// What waits is booked on a day that never comes.
const NEVER = 'infinity';

/** Part of a select list: whether any provider has a cost limit. */
export const HAS_COST_LIMITS = `exists (select from provider_config where cost_limit_enabled)`;

/** Books what changes of jobs do to what their providers cost, in a transaction that has entered. */
export async function book(tx: Tx, deltas: readonly SpendDelta[]): Promise<void> {
  if (deltas.length === 0) return;
  await tx.query(
    `insert into provider_spend (provider, day, usd) select * from unnest($1::text[], $2::timestamptz[], $3::numeric[]) as n
     on conflict (provider, day) do update set usd = provider_spend.usd + excluded.usd`,
    [
      deltas.map(({ provider }) => provider),
      deltas.map(({ day }) => (day === WAITING ? NEVER : day)),
      deltas.map(({ usd }) => usd),
    ],
  );
}

/** How the limits of these providers stand, in this order; of a provider without one, what it costs this month. */
export async function standings(
  db: Queryable,
  providers: readonly string[],
  now: Date,
): Promise<CostStanding[]> {
  return db.query<CostStanding>(
    `select n.provider, coalesce(c.cost_limit_enabled, false) as enabled, c.cost_limit_amount as amount,
       coalesce(c.cost_limit_period, $5) as period, coalesce(c.cost_limit_action, $6) as action, s.spent, s.waiting
     from unnest($1::text[]) with ordinality as n(provider, place) left join provider_config c on c.provider = n.provider
     cross join lateral (
       select coalesce(sum(usd) filter (where day < 'infinity'), 0) as spent, coalesce(sum(usd) filter (where day = 'infinity'), 0) as waiting
       from provider_spend s where s.provider = n.provider
         and s.day >= case c.cost_limit_period when 'daily' then $2::timestamptz when 'weekly' then $3 else $4 end) s
     order by n.place`,
    [
      providers,
      startOfPeriod('daily', now),
      startOfPeriod('weekly', now),
      startOfPeriod('monthly', now),
      NO_COST_LIMIT.period,
      NO_COST_LIMIT.action,
    ],
  );
}

/** Notes that people are told of a limit in this period; false when they were already. */
export async function tell(
  tx: Tx,
  provider: string,
  what: 'warning' | 'exceeded',
  period: Date,
): Promise<boolean> {
  const rows = await tx.query(
    'insert into costs_told (provider, what, period) values ($1, $2, $3) on conflict do nothing returning what',
    [provider, what, period],
  );
  return rows.length > 0;
}

/** There is more room than before: what comes is news again. */
export async function forgetTold(tx: Tx, provider: string): Promise<void> {
  await tx.query('delete from costs_told where provider = $1', [provider]);
}

/** Forgets days and crossings that no limit looks at any more. */
export async function purge(db: Queryable, before: Date): Promise<void> {
  await db.query('delete from provider_spend where day < $1', [before]);
  await db.query('delete from costs_told where period < $1', [before]);
}
