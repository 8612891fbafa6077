import type { Queryable } from '@lineclear/kit';
import { rateSince, type Books } from '../domain/forecast.js';
import { idOf, scopeOf, type Holder } from '../domain/holders.js';
import { hourOf, startOf } from '../domain/period.js';

// $1 and $2 are the start of the month and that of the run rate; what was claimed before the month is booked there.
const RUNNING = `j.ended_at is null and j.state in ('dispatching', 'running', 'cancelling') and j.claimed_at >= $1`;
const sumsOf = (at: string): string => `
  coalesce(sum(usd) filter (where ${at} >= $1 and ${at} < 'infinity'), 0) as period,
  coalesce(sum(usd) filter (where ${at} = 'infinity'), 0) as waiting,
  coalesce(sum(usd) filter (where ${at} >= $2 and ${at} < 'infinity'), 0) as recent`;
const times = (now: Date): [Date, Date] => [startOf('month', now), hourOf(rateSince(now))];

/** What the books say of these, for the month. */
export async function ofHolders(
  db: Queryable,
  holders: readonly Holder[],
  now: Date,
): Promise<ReadonlyMap<Holder, Books>> {
  const rows = await db.query<Books & { readonly holder: Holder }>(
    `with runs as (
       select h.scope, h.subject, sum(j.estimated_cost_usd) as usd
       from jobs j cross join lateral (values ('user', j.user_id), ('team', j.team_id), ('org', j.org_id)) h(scope, subject)
       where ${RUNNING} group by 1, 2)
     select n.scope || ':' || n.subject as holder, coalesce(runs.usd, 0) as reserved, u.*
     from unnest($3::text[], $4::int4[]) as n(scope, subject) left join runs on runs.scope = n.scope and runs.subject = n.subject
     cross join lateral (
       select ${sumsOf('hour')} from usage where scope = n.scope and subject = n.subject and hour >= least($1::timestamptz, $2::timestamptz)) u`,
    [...times(now), holders.map(scopeOf), holders.map(idOf)],
  );
  return new Map(rows.map(({ holder, ...books }) => [holder, books]));
}

/** The same of providers. */
export async function ofProviders(
  db: Queryable,
  providers: readonly string[],
  now: Date,
): Promise<ReadonlyMap<string, Books>> {
  const rows = await db.query<Books & { readonly provider: string }>(
    `with runs as (select provider, sum(estimated_cost_usd) as usd from jobs j where ${RUNNING} group by 1)
     select n.provider, coalesce(runs.usd, 0) as reserved, s.*
     from unnest($3::text[]) as n(provider) left join runs on runs.provider = n.provider
     cross join lateral (
       select ${sumsOf('day')} from provider_spend where provider = n.provider and day >= least($1::timestamptz, $2::timestamptz)) s`,
    [...times(now), providers],
  );
  return new Map(rows.map(({ provider, ...books }) => [provider, books]));
}

/** Teams or organisations that the books know, all or (`orgId`) those of one organisation, which is null for who is in none. */
export async function groups(
  db: Queryable,
  scope: 'team' | 'org',
  orgId: number | null | undefined,
  now: Date,
): Promise<Holder[]> {
  const rows = await db.query<{ readonly subject: number }>(
    `select distinct subject from usage u where scope = $3 and hour >= least($1::timestamptz, $2::timestamptz)
       and ($4 or case scope when 'org' then subject = $5
         else exists (select from jobs j where j.org_id = $5 and j.team_id = u.subject) end)
     order by 1`,
    [...times(now), scope, orgId === undefined, orgId ?? null],
  );
  return rows.map(({ subject }): Holder => `${scope}:${subject}`);
}
