import type { Queryable } from '@lineclear/kit';
import type { Skip } from '../domain/skips.js';
import type { DeliveryRow } from './delivery.entity.js';

export type OwnDelivery = Pick<
  DeliveryRow,
  | 'event_type'
  | 'channel_type'
  | 'recipient'
  | 'state'
  | 'waits_for'
  | 'next_attempt_at'
  | 'created_at'
  | 'finished_at'
>;

/** What this person was sent of an event. */
export async function ownDeliveriesOf(
  on: Queryable,
  userId: number,
  eventId: string,
): Promise<OwnDelivery[]> {
  return on.query<OwnDelivery>(
    `select event_type, channel_type, recipient, state, waits_for, next_attempt_at, created_at, finished_at
     from delivery where user_id = $1 and event_id = $2 order by id`,
    [userId, eventId],
  );
}

/** Why this person was not told of it. */
export async function ownSkipsOf(
  on: Queryable,
  userId: number,
  eventId: string,
): Promise<{ event_type: string; skip: Skip }[]> {
  return on.query<{ event_type: string; skip: Skip }>(
    `select event_type, skip from event_skips, jsonb_array_elements(skips) as skip
     where event_id = $2 and (skip->>'user_id')::int = $1`,
    [userId, eventId],
  );
}
