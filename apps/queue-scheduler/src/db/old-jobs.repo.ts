import type { Tx } from '@lineclear/kit';

// Ids rise with the time of the submit: those that may be old enough are at one end of them. What a job cost is added to
// what the jobs before it cost, so that no sum over the ledger changes.
const REMOVE = `
  with gone as (
    delete from jobs where id = any(array(
      select id from jobs where id < $1 and ended_at < $2 order by id limit $3 for update skip locked))
    returning id),
  keys as (delete from idempotency_keys k using gone where k.created_at < $2 and k.job_id = gone.id),
  money as (delete from ledger l using gone where l.job_id = any(array(select id from gone)) and l.job_id = gone.id returning l.*),
  past as (
    insert into ledger (job_id, attempt, user_id, provider, reserved_usd, settled_usd, reserved_at, settled_at)
    select 'past/' || user_id || '/' || provider, 0, user_id, provider, sum(reserved_usd), sum(coalesce(settled_usd, 0)),
      max(reserved_at), max(settled_at)
    from money group by user_id, provider
    on conflict (job_id, attempt) do update set reserved_usd = ledger.reserved_usd + excluded.reserved_usd,
      settled_usd = ledger.settled_usd + excluded.settled_usd,
      reserved_at = greatest(ledger.reserved_at, excluded.reserved_at),
      settled_at = greatest(ledger.settled_at, excluded.settled_at))
  select count(*)::int4 as removed from gone`;

/** Removes up to `limit` jobs that were submitted and ended before a time, with all that belongs to them; how many. */
export async function remove(tx: Tx, before: Date, limit: number): Promise<number> {
  const firstId = `job_${before.getTime().toString(16).padStart(12, '0')}`;
  const [row] = await tx.query<{ removed: number }>(REMOVE, [firstId, before, limit]);
  return row?.removed ?? 0;
}
