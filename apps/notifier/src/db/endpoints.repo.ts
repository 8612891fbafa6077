import type { Queryable, Tx } from '@lineclear/kit';
import type { Channel } from '../domain/channel.js';
import { FAILURES_TO_OPEN, type EndpointState } from '../domain/endpoint-gate.js';
import type { ChannelRow } from './channel.entity.js';
import { channelOf } from './channel-of.js';
import type { FailureStreak } from '../domain/failure-streak.js';
import type { EndpointRow } from './endpoint.entity.js';

export async function insertEndpoint(tx: Tx, channelId: number): Promise<void> {
  await tx.query('insert into endpoint (channel_id) values ($1)', [channelId]);
}

export interface Gate {
  readonly state: EndpointState;
  /** Undefined when it is gone. */
  readonly channel: Channel | undefined;
  /** By the clock that all replicas share. */
  readonly now: Date;
  /** Whether there is something to forgive after a success. */
  readonly hasFailed: boolean;
}

/** The gate to what is behind a channel, through which nobody else lets anything until the transaction ends. */
export async function lockGate(tx: Tx, channelId: number): Promise<Gate | undefined> {
  const [[row], [counted]] = await Promise.all([
    tx.query<EndpointRow & { channel: ChannelRow | null }>(
      `select e.*, to_jsonb(c) as channel from endpoint e left join channel c on c.id = e.channel_id
       where e.channel_id = $1 for update of e`,
      [channelId],
    ),
    // After the lock, so that it sees whoever held that before.
    tx.query<{ under_way: number; now: Date }>(
      `select count(*) as under_way, clock_timestamp() as now from claim
       where channel_id = $1 and held_until > clock_timestamp()`,
      [channelId],
    ),
  ]);
  return (
    row && {
      state: {
        failuresInRow: row.failures_in_row,
        openUntil: row.open_until,
        underWay: counted!.under_way,
        tokens: row.tokens,
        countedAt: row.counted_at,
      },
      channel: row.channel ? channelOf(row.channel) : undefined,
      now: counted!.now,
      hasFailed: row.failures_in_row > 0 || row.failing_since !== null,
    }
  );
}

export interface Failures {
  readonly streak: FailureStreak | null;
  readonly failuresInRow: number;
  /** Whether the breaker is open right now. */
  readonly isOpen: boolean;
}

/** What there is of failures in a row; nobody else changes it until the transaction ends. */
export async function lockFailures(tx: Tx, channelId: number): Promise<Failures> {
  const [row] = await tx.query<EndpointRow & { is_open: boolean }>(
    `select *, failures_in_row >= $2 and open_until > clock_timestamp() as is_open
     from endpoint where channel_id = $1 for update`,
    [channelId, FAILURES_TO_OPEN],
  );
  const streak =
    row?.failing_since && row.last_failed_at ? { since: row.failing_since, last: row.last_failed_at } : null;
  return { streak, failuresInRow: row?.failures_in_row ?? 0, isOpen: row?.is_open ?? false };
}

/** Without a breaker its state stays. */
export async function saveFailures(
  tx: Tx,
  channelId: number,
  { since, last }: FailureStreak,
  breaker: { readonly failuresInRow: number; readonly openSeconds: number } | undefined,
): Promise<void> {
  await tx.query(
    `update endpoint set failing_since = $2, last_failed_at = $3, failures_in_row = coalesce($4::int, failures_in_row),
       open_until = case when $4::int is null then open_until else clock_timestamp() + $5::float8 * interval '1 second' end
     where channel_id = $1`,
    [channelId, since, last, breaker?.failuresInRow ?? null, breaker?.openSeconds ?? null],
  );
}

/** Nothing that was is held against it any more. */
export async function forgiveEndpoint(on: Queryable, channelId: number): Promise<void> {
  await on.query(
    `update endpoint set failing_since = null, last_failed_at = null, failures_in_row = 0, open_until = null
     where channel_id = $1`,
    [channelId],
  );
}

/** Forgets those whose channel is gone and that nothing is left to be sent to. */
export async function forgetEndpoints(on: Queryable): Promise<void> {
  await on.query(
    `delete from endpoint e where not exists (select 1 from channel where id = e.channel_id)
       and not exists (select 1 from delivery where channel_id = e.channel_id and next_attempt_at is not null)`,
  );
}
