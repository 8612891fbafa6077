import type { Queryable } from '@lineclear/kit';
import { FAILURES_TO_OPEN, type WaitReason } from '../domain/endpoint-gate.js';
import type { OwnWait } from '../domain/own-waits.js';
import type { DeliveryAttemptRow, DeliveryRow, DeliveryState } from './delivery.entity.js';

export interface HistoryFilter {
  readonly eventId: string | null;
  readonly jobId: string | null;
  readonly channelId: number | null;
  readonly state: DeliveryState | null;
  readonly eventType: string | null;
  /** When the event came. */
  readonly since: Date | null;
  readonly until: Date | null;
}

export type LoggedAttempt = Omit<DeliveryAttemptRow, 'delivery_id' | 'ended_at'> & {
  readonly ended_at: string;
};
export type LoggedDelivery = Pick<
  DeliveryRow,
  | 'id'
  | 'event_id'
  | 'event_type'
  | 'severity'
  | 'channel_id'
  | 'channel_type'
  | 'recipient'
  | 'job_id'
  | 'state'
  | 'attempts'
  | 'next_attempt_at'
  | 'last_error'
  | 'instead_of'
  | 'created_at'
  | 'finished_at'
> & { readonly log: LoggedAttempt[]; readonly waits_for: WaitReason | OwnWait | null };

export const NO_FILTER: HistoryFilter = {
  eventId: null,
  jobId: null,
  channelId: null,
  state: null,
  eventType: null,
  since: null,
  until: null,
};

const MATCHES = `($1::text is null or job_id = $1) and ($2::int is null or channel_id = $2) and ($3::text is null or state = $3)
  and ($4::text is null or event_type = $4) and ($5::timestamptz is null or created_at >= $5)
  and ($6::timestamptz is null or created_at <= $6) and ($7::uuid is null or event_id = $7)`;
const valuesOf = (filter: HistoryFilter): unknown[] => [
  filter.jobId,
  filter.channelId,
  filter.state,
  filter.eventType,
  filter.since,
  filter.until,
  filter.eventId,
];

/** Deliveries with their attempts, and what keeps them back as it is now, newest first, those below `before` if it is given. */
export async function listHistory(
  on: Queryable,
  filter: HistoryFilter,
  limit: number,
  before: string | null,
): Promise<LoggedDelivery[]> {
  return on.query<LoggedDelivery>(
    `select d.id, d.event_id, d.event_type, d.severity, d.channel_id, d.channel_type, d.recipient, d.job_id, d.state, d.attempts,
       d.next_attempt_at, d.last_error, d.instead_of, d.created_at, d.finished_at, coalesce(a.log, '[]') as log,
       case when e.open_until > greatest(now(), d.next_attempt_at) then 'breaker'
         when d.next_attempt_at is null or d.next_attempt_at > now() then d.waits_for
         when exists (select 1 from claim where delivery_id = d.id) then null
         -- When it has been open long enough one message tries, and the others still wait for it.
         when e.failures_in_row >= ${FAILURES_TO_OPEN} then 'breaker'
         when u.under_way >= (c.settings->>'maxConcurrent')::int then 'concurrency'
         when e.tokens + extract(epoch from now() - e.counted_at) * (c.settings->>'maxPerSecond')::float8 < 1 then 'rate'
       end as waits_for
     from (select * from delivery where ${MATCHES} and ($8::uuid is null or id < $8) order by id desc limit $9) d
     left join endpoint e on e.channel_id = d.channel_id and d.next_attempt_at is not null
     left join channel c on c.id = e.channel_id
     left join lateral (
       select count(*) as under_way from claim where channel_id = e.channel_id and held_until > now()) u on true
     left join lateral (
       select json_agg(json_build_object('number', number, 'ended_at', ended_at, 'duration_ms', duration_ms,
         'status_code', status_code, 'error', error, 'response', response) order by number) as log
       from delivery_attempt where delivery_id = d.id) a on true
     order by d.id desc`,
    [...valuesOf(filter), before, limit],
  );
}

export async function countHistory(on: Queryable, filter: HistoryFilter): Promise<number> {
  const [row] = await on.query<{ total: number }>(
    `select count(*) as total from delivery where ${MATCHES}`,
    valuesOf(filter),
  );
  return row?.total ?? 0;
}

export async function findDelivery(
  on: Queryable,
  id: string,
): Promise<Pick<DeliveryRow, 'id' | 'state' | 'channel_id'> | undefined> {
  const [row] = await on.query<Pick<DeliveryRow, 'id' | 'state' | 'channel_id'>>(
    'select id, state, channel_id from delivery where id = $1',
    [id],
  );
  return row;
}

export async function countStates(on: Queryable): Promise<Partial<Record<DeliveryState, number>>> {
  const rows = await on.query<{ state: DeliveryState; total: number }>(
    'select state, count(*) as total from delivery group by state',
  );
  return Object.fromEntries(rows.map((row) => [row.state, row.total]));
}
