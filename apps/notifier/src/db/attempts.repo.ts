import type { Queryable, Tx } from '@lineclear/kit';
import type { ChannelType } from '../domain/channel.js';
import { FAILURES_TO_OPEN } from '../domain/endpoint-gate.js';

// Due and in nobody's hands: whoever claimed it and died has had their time.
const IS_DUE = `next_attempt_at <= now()
  and not exists (select 1 from claim where delivery_id = delivery.id and held_until > now())`;

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
      `with due as (
         select id, event_type, recipient, body, traceparent, channel_id, channel_type, earlier_attempts,
           -- An attempt that its holder died over counts.
           1 + greatest(attempts, (select attempt from claim where delivery_id = delivery.id)) as attempt
         from delivery where channel_id = $1 and ${IS_DUE}
         order by next_attempt_at limit $2 for update skip locked),
       claimed as (
         insert into claim (delivery_id, channel_id, holder, held_until, attempt)
         select id, channel_id, $3, now() + $4::float8 * interval '1 second', attempt from due
         on conflict (delivery_id) do update
         set holder = excluded.holder, held_until = excluded.held_until, attempt = excluded.attempt),
       spent as (
         update endpoint set tokens = $5::float8 - (select count(*) from due), counted_at = $6
         where channel_id = $1 and exists (select 1 from due))
       select id, $3::uuid as holder, event_type, recipient, body, traceparent, channel_id, channel_type,
         attempt as attempts, attempt - earlier_attempts as round_attempt from due`,
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
     freed as (
       delete from claim c using ends e where c.delivery_id = e.id and c.holder = e.holder returning e.*),
     moved as (
       update delivery d set state = e.state, attempts = e.attempt, last_error = e.error, waits_for = null,
         next_attempt_at = now() + e.wait * interval '1 second', finished_at = case when e.wait is null then now() end
       from freed e where d.id = e.id returning d.id)
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
    `with freed as (delete from claim where delivery_id = $1 and holder = $2 returning delivery_id)
     update delivery set last_error = $3, waits_for = null, next_attempt_at = now() + $4::float8 * interval '1 second'
     where id = (select delivery_id from freed)`,
    [id, holder, error, waitSeconds],
  );
}
