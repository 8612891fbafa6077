import type { Queryable } from '@lineclear/kit';
import type { Skip } from '../domain/skips.js';
import type { DeliveryRow } from './delivery.entity.js';

/** Times are text: it comes as JSON. */
export type OwnDelivery = Pick<
  DeliveryRow,
  'event_type' | 'channel_type' | 'recipient' | 'state' | 'waits_for'
> & {
  readonly next_attempt_at: string | null;
  readonly created_at: string;
  readonly finished_at: string | null;
};
export interface OwnOutcome {
  readonly deliveries: readonly OwnDelivery[];
  readonly skips: readonly (Skip & { readonly event_type: string })[];
}

/** What this person was sent of an event and why they were not told, as it was at one moment. */
export async function ownOutcomeOf(on: Queryable, userId: number, eventId: string): Promise<OwnOutcome> {
  const [row] = await on.query<OwnOutcome>(
    `select
       (select coalesce(json_agg(json_build_object('event_type', event_type, 'channel_type', channel_type,
          'recipient', recipient, 'state', state, 'waits_for', case when next_attempt_at > now() then waits_for end, 'next_attempt_at', next_attempt_at,
          'created_at', created_at, 'finished_at', finished_at) order by id), '[]')
        from delivery where user_id = $1 and (event_id = $2 or event_id in (
          select d.event_id from collected c join delivery d on d.id = c.delivery_id where c.event_id = $2))) as deliveries,
       (select coalesce(jsonb_agg(skip || jsonb_build_object('event_type', event_type)), '[]')
        from event_skips, jsonb_array_elements(skips) as skip
        where event_id = $2 and (skip->>'user_id')::int = $1) as skips`,
    [userId, eventId],
  );
  return row!;
}
