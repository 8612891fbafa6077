import type { Queryable, Tx } from '@lineclear/kit';
import type { FailureStreak } from '../domain/failure-streak.js';
import type { EndpointRow } from './endpoint.entity.js';

export async function insertEndpoint(tx: Tx, channelId: number): Promise<void> {
  await tx.query('insert into endpoint (channel_id) values ($1)', [channelId]);
}

/** What there is of failures in a row; nobody else changes it until the transaction ends. */
export async function lockStreak(tx: Tx, channelId: number): Promise<FailureStreak | null> {
  const [row] = await tx.query<EndpointRow>('select * from endpoint where channel_id = $1 for update', [
    channelId,
  ]);
  return row?.failing_since && row.last_failed_at
    ? { since: row.failing_since, last: row.last_failed_at }
    : null;
}

export async function saveStreak(tx: Tx, channelId: number, { since, last }: FailureStreak): Promise<void> {
  await tx.query('update endpoint set failing_since = $2, last_failed_at = $3 where channel_id = $1', [
    channelId,
    since,
    last,
  ]);
}

/** Nothing that was is held against it any more. */
export async function forgiveEndpoint(on: Queryable, channelId: number): Promise<void> {
  await on.query(
    'update endpoint set failing_since = null, last_failed_at = null where channel_id = $1 and failing_since is not null',
    [channelId],
  );
}
