import type { Queryable, Tx } from '@lineclear/kit';
import type { ChannelType } from '../domain/channel.js';
import type { OwnWait } from '../domain/own-waits.js';
import type { Severity } from '../domain/severity.js';

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

/** Stores what is new of these and gives the channels of those; an event that comes again makes no second delivery. */
export async function insertDeliveries(tx: Tx, given: readonly NewDelivery[]): Promise<number[]> {
  const rows = await tx.query<{ channel_id: number }>(
    `insert into delivery (id, event_id, event_type, severity, channel_id, channel_type, recipient, job_id, body,
       traceparent, user_id, waits_for, instead_of, state, next_attempt_at)
     select d.id, d.event_id, d.event_type, d.severity, d.channel_id, d.channel_type, d.recipient, d.job_id, d.body,
       d.traceparent, d.user_id, d.waits_for, d.instead_of, 'pending', now() + d.wait * interval '1 second'
     from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[], $8::text[], $9::text[],
       $10::text[], $11::float8[], $12::int[], $13::text[], $14::int[]) as d(id, event_id, event_type, severity, channel_id, channel_type, recipient, job_id, body,
       traceparent, wait, user_id, waits_for, instead_of)
     on conflict (event_id, channel_id, recipient) do nothing returning channel_id`,
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
  return rows.map((row) => row.channel_id);
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

/** Makes a delivery due now, with all its attempts again, whatever became of it; one that is being sent right now is left alone. */
export async function makeDue(tx: Tx, id: string): Promise<void> {
  // Once nobody else can begin to send it, it is seen whether somebody has; a holder that died has no say any more.
  await tx.query('select from delivery where id = $1 for update', [id]);
  await tx.query('delete from claim where delivery_id = $1 and held_until <= now()', [id]);
  await tx.query(
    `update delivery set state = case when state in ('sent', 'bounced', 'failed') then 'pending' else state end,
       next_attempt_at = now(), finished_at = null, earlier_attempts = attempts
     where id = $1 and not exists (select 1 from claim where delivery_id = $1)`,
    [id],
  );
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
