import type { Queryable, Tx } from '@lineclear/kit';
import type { Channel, ChannelType } from '../domain/channel.js';
import { FAILURES_TO_OPEN, type WaitReason } from '../domain/endpoint-gate.js';
import type { OwnWait } from '../domain/own-waits.js';
import type { Severity } from '../domain/severity.js';
import type { ChannelRow } from './channel.entity.js';
import { channelOf } from './channels.repo.js';

export interface NewDelivery {
  readonly id: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly severity: Severity;
  readonly channelId: number;
  readonly channelType: ChannelType;
  readonly recipient: string;
  /** Whom it is for, where it is for one person alone. */
  readonly userId?: number | undefined;
  readonly jobId: string | null;
  readonly body: string;
  readonly traceparent: string | null;
  readonly waitSeconds: number;
  /** The channel that was meant, where another stands in for it. */
  readonly insteadOf?: number | undefined;
  /** What it waits for, where a person wants it so. */
  readonly waitsFor?: OwnWait | undefined;
}

/** Seconds for which the queue is trusted to still know of a delivery it was given. */
const QUEUE_HOLD = `interval '5 seconds'`;

/** Stores what is new of these and gives the ids of those; an event that comes again makes no second delivery. */
export async function insertDeliveries(tx: Tx, given: readonly NewDelivery[]): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    `insert into delivery (id, event_id, event_type, severity, channel_id, channel_type, recipient, job_id, body,
       traceparent, user_id, waits_for, instead_of, state, next_attempt_at, held_until)
     select d.id, d.event_id, d.event_type, d.severity, d.channel_id, d.channel_type, d.recipient, d.job_id, d.body,
       d.traceparent, d.user_id, d.waits_for, d.instead_of, 'pending', now() + d.wait * interval '1 second', now() + ${QUEUE_HOLD}
     from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[], $8::text[], $9::text[],
       $10::text[], $11::float8[], $12::int[], $13::text[], $14::int[]) as d(id, event_id, event_type, severity, channel_id, channel_type, recipient, job_id, body,
       traceparent, wait, user_id, waits_for, instead_of)
     on conflict (event_id, channel_id, recipient) do nothing returning id`,
    [
      given.map((d) => d.id),
      given.map((d) => d.eventId),
      given.map((d) => d.eventType),
      given.map((d) => d.severity),
      given.map((d) => d.channelId),
      given.map((d) => d.channelType),
      given.map((d) => d.recipient),
      given.map((d) => d.jobId),
      given.map((d) => d.body),
      given.map((d) => d.traceparent),
      given.map((d) => d.waitSeconds),
      given.map((d) => d.userId ?? null),
      given.map((d) => d.waitsFor ?? null),
      given.map((d) => d.insteadOf ?? null),
    ],
  );
  return rows.map((row) => row.id);
}

/** Of these jobs, which mail addresses (in lower case) an event of this type went to before: as `<job> <address>`. */
export async function mailedBefore(
  tx: Tx,
  eventType: string,
  jobIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await tx.query<{ told: string }>(
    `select job_id || ' ' || lower(recipient) as told from delivery
     where job_id = any($2::text[]) and event_type = $1 and channel_type = 'email'`,
    [eventType, jobIds],
  );
  return new Set(rows.map(({ told }) => told));
}

// Any number that nothing else in this database takes.
const ANSWERS_LOCK = 727_303;

/** Mails to this address within the hour that answer an answer. Nobody else counts them until the transaction ends. */
export async function countAnswersTo(tx: Tx, recipient: string): Promise<number> {
  await tx.query('select pg_advisory_xact_lock($1, hashtext(lower($2)))', [ANSWERS_LOCK, recipient]);
  const [row] = await tx.query<{ count: number }>(
    `select count(*) as count from delivery
     where event_type = 'approval.reply_handled' and lower(recipient) = lower($1)
       and created_at > now() - interval '1 hour'`,
    [recipient],
  );
  return row?.count ?? 0;
}

/**
 * Takes up to `limit` due deliveries that nobody holds, for the queue; several replicas get different ones. To an endpoint as many
 * as it has room for, and none while its breaker is open: what waits for one endpoint is in nobody's way.
 */
export async function takeDue(on: Queryable, limit: number): Promise<{ id: string; attempts: number }[]> {
  return on.query(
    `update delivery set held_until = now() + ${QUEUE_HOLD}, holder = null
     where id in (
       select due.id
       from endpoint e left join channel c on c.id = e.channel_id and c.channel_type <> 'email'
       cross join lateral (
         select count(*) as under_way from delivery
         where channel_id = e.channel_id and holder is not null and held_until > now()) u
       cross join lateral (
         select id from delivery
         where channel_id = e.channel_id and next_attempt_at <= now() and (held_until is null or held_until <= now())
         order by next_attempt_at
         limit case when c.id is null then $1
           when e.failures_in_row >= $2 then greatest(1 - u.under_way, 0)
           else greatest((c.settings->>'maxConcurrent')::int - u.under_way, 0) end
         for update skip locked) due
       where e.failures_in_row < $2 or e.open_until <= now()
       limit $1)
     returning id, attempts`,
    [limit, FAILURES_TO_OPEN],
  );
}

/** As takeDue, the next one through this channel. */
export async function takeNext(
  on: Queryable,
  channelId: number,
): Promise<{ id: string; attempts: number } | undefined> {
  const [row] = await on.query<{ id: string; attempts: number }>(
    `update delivery set held_until = now() + ${QUEUE_HOLD}, holder = null
     where id in (
       select id from delivery
       where channel_id = $1 and next_attempt_at <= now() and (held_until is null or held_until <= now())
       order by next_attempt_at limit 1 for update skip locked)
     returning id, attempts`,
    [channelId],
  );
  return row;
}

export interface ClaimedDelivery {
  readonly id: string;
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
  /** Undefined when it is gone. */
  readonly channel: Channel | undefined;
}

/** Begins an attempt for `holder`: nobody else sends this delivery meanwhile. Undefined when it is not due, or held. */
export async function claimDelivery(
  on: Queryable,
  id: string,
  holder: string,
  leaseSeconds: number,
): Promise<ClaimedDelivery | undefined> {
  const [row] = await on.query<Omit<ClaimedDelivery, 'channel'> & { channel: ChannelRow | null }>(
    `with claimed as (
       update delivery set holder = $2, held_until = now() + $3::float8 * interval '1 second', attempts = attempts + 1,
         waits_for = null
       where id = $1 and next_attempt_at <= now() and (holder is null or held_until <= now())
       returning id, event_type, recipient, body, traceparent, channel_id, channel_type, attempts,
         attempts - earlier_attempts as round_attempt)
     select claimed.*, to_jsonb(c) as channel from claimed left join channel c on c.id = claimed.channel_id`,
    [id, holder, leaseSeconds],
  );
  return row && { ...row, channel: row.channel ? channelOf(row.channel) : undefined };
}

export interface AttemptEnd {
  readonly id: string;
  readonly holder: string;
  readonly attempt: number;
  readonly durationMs: number;
  readonly statusCode: number | null;
  readonly error: string | null;
  readonly response: string | null;
}

/** Logs the attempt and moves its delivery on, by the holder alone. False: another one took it over, its word counts. */
export async function endAttempt(
  on: Queryable,
  end: AttemptEnd,
  state: 'sent' | 'retrying' | 'failed',
  waitSeconds: number | null,
): Promise<boolean> {
  const rows = await on.query(
    `with ended as (
       update delivery set state = $3, holder = null, held_until = null, last_error = $7::text,
         next_attempt_at = now() + $9::float8 * interval '1 second', finished_at = case when $9::float8 is null then now() end
       where id = $1 and holder = $2 returning id)
     insert into delivery_attempt (delivery_id, number, duration_ms, status_code, error, response)
     select id, $4::int, $5::int, $6::int, $7, $8::text from ended returning delivery_id`,
    [
      end.id,
      end.holder,
      state,
      end.attempt,
      end.durationMs,
      end.statusCode,
      end.error,
      end.response,
      waitSeconds,
    ],
  );
  return rows.length > 0;
}

/** Puts a delivery back that may not be sent yet; false when it is not due, or another has it. */
export async function putBack(
  tx: Tx,
  id: string,
  waitsFor: WaitReason,
  waitSeconds: number,
): Promise<boolean> {
  const rows = await tx.query(
    `update delivery set holder = null, held_until = null, waits_for = $2,
       next_attempt_at = now() + $3::float8 * interval '1 second'
     where id = $1 and next_attempt_at <= now() and (holder is null or held_until <= now()) returning 1`,
    [id, waitsFor, waitSeconds],
  );
  return rows.length > 0;
}

/** Gives a delivery back untried: this attempt does not count. */
export async function postpone(
  on: Queryable,
  end: Pick<AttemptEnd, 'id' | 'holder' | 'error'>,
  waitSeconds: number,
): Promise<void> {
  await on.query(
    `update delivery set holder = null, held_until = null, attempts = attempts - 1, last_error = $3,
       next_attempt_at = now() + $4::float8 * interval '1 second'
     where id = $1 and holder = $2`,
    [end.id, end.holder, end.error, waitSeconds],
  );
}

/** Makes a delivery due now, with all its attempts again, whatever became of it; one that is being sent right now is left alone. */
export async function makeDue(tx: Tx, id: string): Promise<{ attempts: number } | undefined> {
  const [row] = await tx.query<{ attempts: number }>(
    `update delivery set state = case when state in ('sent', 'bounced', 'failed') then 'pending' else state end,
       next_attempt_at = now(), finished_at = null, earlier_attempts = attempts, holder = null, held_until = now() + ${QUEUE_HOLD}
     where id = $1 and (holder is null or held_until <= now()) returning attempts`,
    [id],
  );
  return row;
}

/** Forgets what ended more than `days` ago, at most `limit` at a time. */
export async function forgetOld(on: Queryable, days: number, limit: number): Promise<number> {
  const rows = await on.query(
    `delete from delivery where id in (
       select id from delivery where next_attempt_at is null and finished_at < now() - $1 * interval '1 day'
       order by id limit $2) returning id`,
    [days, limit],
  );
  return rows.length;
}
