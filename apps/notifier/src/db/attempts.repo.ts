import type { Queryable, Tx } from '@lineclear/kit';
import type { ChannelType } from '../domain/channel.js';
import { FAILURES_TO_OPEN } from '../domain/endpoint-gate.js';

// Due and in nobody's hands: whoever claimed it and died has had their time.
const IS_DUE = `next_attempt_at <= now() and (held_until is null or held_until <= now())`;

/** Channels through which something is to be sent, but for those whose breaker is open. */
export async function dueChannels(on: Queryable): Promise<number[]> {
  const rows = await on.query<{ channel_id: number }>(
    `select channel_id from endpoint e
     where (failures_in_row < $1 or open_until is null or open_until <= now())
       and exists (select 1 from delivery where channel_id = e.channel_id and ${IS_DUE})`,
    [FAILURES_TO_OPEN],
  );
  return rows.map((row) => row.channel_id);
}

export interface ClaimedDelivery {
  readonly id: string;
  /** Of this claim alone: whoever claims it after that holds it by another name. */
  readonly holder: string;
  readonly event_type: string;
  readonly recipient: string;
  readonly body: string;
  readonly traceparent: string | null;
  readonly channel_id: number;
  readonly channel_type: ChannelType;
  /** The number of the attempt that this claim is for. */
  readonly attempts: number;
  /** Its number in this round: a delivery that is sent once more has all its attempts again. */
  readonly round_attempt: number;
}

/**
 * Begins attempts for `holder` at up to `limit` deliveries that are due, oldest first: nobody else sends them meanwhile. Each takes
 * one of the endpoint's `tokens`, as they were counted at `now`. `isMoreDue`: whether others are due.
 */
export async function claimDue(
  tx: Tx,
  channelId: number,
  limit: number,
  { holder, leaseSeconds }: { readonly holder: string; readonly leaseSeconds: number },
  { tokens, now }: { readonly tokens: number; readonly now: Date },
): Promise<{ deliveries: ClaimedDelivery[]; isMoreDue: boolean }> {
  const [deliveries, more] = await Promise.all([
    tx.query<ClaimedDelivery>(
      `with claimed as (
         update delivery set holder = $3, held_until = now() + $4::float8 * interval '1 second', attempts = attempts + 1,
           waits_for = null
         where id in (
           select id from delivery where channel_id = $1 and ${IS_DUE}
           order by next_attempt_at limit $2 for update skip locked)
         returning id, holder, event_type, recipient, body, traceparent, channel_id, channel_type, attempts,
           attempts - earlier_attempts as round_attempt),
       spent as (
         update endpoint set tokens = $5::float8 - (select count(*) from claimed), counted_at = $6
         where channel_id = $1 and exists (select 1 from claimed))
       select * from claimed`,
      [channelId, limit, holder, leaseSeconds, tokens, now],
    ),
    tx.query(`select 1 from delivery where channel_id = $1 and ${IS_DUE} limit 1`, [channelId]),
  ]);
  return { deliveries, isMoreDue: more.length > 0 };
}

export interface AttemptEnd {
  readonly id: string;
  readonly holder: string;
  readonly attempt: number;
  readonly durationMs: number;
  readonly statusCode: number | null;
  readonly error: string | null;
  readonly response: string | null;
  readonly state: 'sent' | 'retrying' | 'failed';
  /** Until the next attempt; null when there is none. */
  readonly waitSeconds: number | null;
}

/**
 * Logs attempts and moves their deliveries on, by their holders alone; gives the ids of those that were moved. Whoever took
 * another over has the say of it.
 */
export async function endAttempts(on: Queryable, ends: readonly AttemptEnd[]): Promise<ReadonlySet<string>> {
  const rows = await on.query<{ id: string }>(
    `with ends as (
       select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::int[], $6::int[], $7::text[], $8::text[], $9::float8[])
         as e(id, holder, state, attempt, duration_ms, status_code, error, response, wait)),
     moved as (
       update delivery d set state = e.state, holder = null, held_until = null, last_error = e.error,
         next_attempt_at = now() + e.wait * interval '1 second', finished_at = case when e.wait is null then now() end
       from ends e where d.id = e.id and d.holder = e.holder returning d.id)
     insert into delivery_attempt (delivery_id, number, duration_ms, status_code, error, response)
     select id, attempt, duration_ms, status_code, error, response from ends join moved using (id) returning delivery_id as id`,
    [
      ends.map((end) => end.id),
      ends.map((end) => end.holder),
      ends.map((end) => end.state),
      ends.map((end) => end.attempt),
      ends.map((end) => end.durationMs),
      ends.map((end) => end.statusCode),
      ends.map((end) => end.error),
      ends.map((end) => end.response),
      ends.map((end) => end.waitSeconds),
    ],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Gives a delivery back untried: this attempt does not count. */
export async function postpone(
  on: Queryable,
  { id, holder }: ClaimedDelivery,
  error: string | null,
  waitSeconds: number,
): Promise<void> {
  await on.query(
    `update delivery set holder = null, held_until = null, attempts = attempts - 1, last_error = $3,
       next_attempt_at = now() + $4::float8 * interval '1 second'
     where id = $1 and holder = $2`,
    [id, holder, error, waitSeconds],
  );
}
