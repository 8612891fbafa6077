import type { Tx } from '@lineclear/kit';
import { keysOf } from '../domain/choice.js';
import type { JobCharge } from '../domain/charges.js';
import { halfLivesAt, type Path, type Sharing } from '../domain/share.js';

// As `charged` in domain/share.ts. A power that is too small is an error in Postgres.
const log2 = (sum: string): string => `$7::float8 + ln(greatest(1e-8, ${sum})) / ln(2)`;
const CHARGED = log2(
  `power(2, greatest(-900, least(900, s.used - $7::float8))) + (select amount from n where n.key = s.key)`,
);

/** Books charges, and puts what each used then where the queue is ordered by it; in a transaction that has entered. */
export async function charge(
  tx: Tx,
  charges: readonly JobCharge[],
  sharing: Sharing,
  now: Date,
): Promise<void> {
  if (charges.length === 0) return;
  const at = halfLivesAt(now, sharing);
  const sums = new Map<string, Path & { readonly depth: number; amount: number }>();
  for (const one of charges) {
    // What was charged earlier weighs less by now.
    const amount = one.amount * 2 ** (halfLivesAt(one.at, sharing) - at);
    for (const [depth, key] of keysOf(one).entries()) {
      const so = sums.get(key) ?? { ...one, depth, amount: 0 };
      sums.set(key, { ...so, amount: so.amount + amount });
    }
  }
  const all = [...sums];
  await tx.query(
    `with n as (select * from unnest($1::text[], $2::int4[], $3::int4[], $4::int4[], $5::int4[], $6::float8[]) as n(key, depth, org, team, person, amount)),
     s as (
       insert into shares as s (key, used) select key, ${log2('amount')} from n order by key
       on conflict (key) do update set used = ${CHARGED}
       returning key, used),
     now as (select n.*, s.used from n join s using (key)),
     users as (
       update lanes l set used = now.used from now where depth = 2 and l.user_id = person and l.team_id = team and l.org_id = org),
     teams as (update branches b set used = now.used from now where depth = 1 and b.place = team and b.parent = org),
     orgs as (update branches b set used = now.used from now where depth = 0 and b.place = org and b.parent = -1)
     select from now`,
    [
      all.map(([key]) => key),
      all.map(([, { depth }]) => depth),
      all.map(([, { org }]) => org),
      all.map(([, { team }]) => team),
      all.map(([, { user }]) => user),
      all.map(([, { amount }]) => amount),
      at,
    ],
  );
}
