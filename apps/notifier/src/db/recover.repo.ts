import type { Queryable, Tx } from '@lineclear/kit';

/** Deliveries through a channel that were given up, of events that came in this time. */
export interface Window {
  readonly channelId: number;
  readonly since: Date;
  readonly until: Date;
}

const GIVEN_UP = `channel_id = $1 and state = 'failed' and created_at >= $2 and created_at <= $3`;

/** How many there are; no more than `limit` are counted. */
export async function countGivenUp(
  on: Queryable,
  { channelId, since, until }: Window,
  limit: number,
): Promise<number> {
  const [row] = await on.query<{ total: number }>(
    `select count(*) as total from (select 1 from delivery where ${GIVEN_UP} limit $4) d`,
    [channelId, since, until, limit],
  );
  return row!.total;
}

/** Makes them due, each with all its attempts again; gives how many. */
export async function recoverGivenUp(tx: Tx, { channelId, since, until }: Window): Promise<number> {
  const [row] = await tx.query<{ total: number }>(
    `with recovered as (
       update delivery set state = 'pending', next_attempt_at = now(), finished_at = null, earlier_attempts = attempts
       where ${GIVEN_UP} returning 1)
     select count(*) as total from recovered`,
    [channelId, since, until],
  );
  return row!.total;
}
