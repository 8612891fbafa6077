import { newEventId } from '@lineclear/bus';
import type { Queryable, Tx } from '@lineclear/kit';
import type { Fallbacks } from '../domain/fallback.js';
import type { FallbackRow } from './fallback.entity.js';

export async function allFallbacks(on: Queryable): Promise<Fallbacks> {
  const rows = await on.query<FallbackRow>('select * from channel_fallback');
  return new Map(rows.map(({ channel_id, fallback_id }) => [channel_id, fallback_id]));
}

export async function saveFallback(tx: Tx, channelId: number, fallbackId: number): Promise<void> {
  await tx.query(
    `insert into channel_fallback (channel_id, fallback_id) values ($1, $2)
     on conflict (channel_id) do update set fallback_id = $2`,
    [channelId, fallbackId],
  );
}

export async function deleteFallback(tx: Tx, channelId: number): Promise<boolean> {
  return (
    (await tx.query('delete from channel_fallback where channel_id = $1 returning 1', [channelId])).length > 0
  );
}

/**
 * A delivery that failed for good goes through the channel that stands in for its own, which is given back; where none does and
 * its own is off or gone, what is for one person goes through the first email channel that is on. Undefined when there is none,
 * or when that one has told the same receiver of the same event.
 */
export async function fallBack(tx: Tx, deliveryId: string): Promise<number | undefined> {
  const [row] = await tx.query<{ channel_id: number }>(
    `insert into delivery (id, event_id, event_type, severity, channel_id, channel_type, recipient, user_id, job_id, body,
       traceparent, state, next_attempt_at, instead_of)
     select $2, d.event_id, d.event_type, d.severity, c.id, c.channel_type, d.recipient, d.user_id, d.job_id, d.body,
       d.traceparent, 'pending', now(), coalesce(d.instead_of, d.channel_id)
     from delivery d join channel c on c.id = coalesce(
       (select fallback_id from channel_fallback where channel_id = d.channel_id),
       (select id from channel where channel_type = 'email' and is_enabled and d.user_id is not null
          and not exists (select 1 from channel where id = d.channel_id and is_enabled) order by id limit 1))
     where d.id = $1
     on conflict (event_id, channel_id, recipient) do nothing returning channel_id`,
    [deliveryId, newEventId()],
  );
  return row?.channel_id;
}
