import { event, type Outgoing } from '@lineclear/bus';
import {
  auditRecorded,
  MAX_DETAIL_ENTRIES,
  MAX_DETAIL_LENGTH,
  type AuditActor,
  type AuditDetails,
  type Principal,
} from '@lineclear/contracts';
import { currentRequest, type RequestWork } from '@lineclear/kit';

type Scalar = string | number | boolean | null;
type Value = Scalar | readonly Scalar[];

export interface Audited {
  /** What it was done to: `user/12`, `job/job_…`. */
  readonly target?: string;
  /** Small values, as `{ from, to }` where it was something else before; what is undefined is left out. Never a secret. */
  readonly details?: Readonly<
    Record<string, Value | { readonly from: Value; readonly to: Value } | undefined>
  >;
  /** Whose doing it is, where that is not who makes the request: somebody who logs in, or answers by mail. */
  readonly actor?: AuditActor;
  readonly outcome?: 'done' | 'refused';
  /** How often, where several are told of as one. */
  readonly count?: number;
}

/**
 * The audit log's entry on what is done here, to be published in the transaction that does it. It is made where the request
 * runs: where several share a transaction, by each of them before they meet.
 */
export function audited(action: string, said: Audited = {}): Outgoing {
  const request = currentRequest();
  if (request) request.recorded = said.outcome ?? 'done';
  return entryOf(request, action, said);
}

/** This principal, as the audit log names whose doing something is. */
export const actorOf = ({ user_id, username, via, credential_id }: Principal): AuditActor => ({
  user_id,
  username,
  via,
  credential_id,
});

/** To be called where a request that could have changed something found nothing to change. */
export function nothingChanged(): void {
  const request = currentRequest();
  if (request) request.recorded = 'nothing';
}

/** What of these fields is another than before, as an entry's details tell it. */
export function differences<T extends object>(
  before: T,
  after: T,
  names: readonly (keyof T & string)[],
): NonNullable<Audited['details']> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const [from, to] = [tellable(before[name]), tellable(after[name])];
      return JSON.stringify(from) === JSON.stringify(to) ? [] : [[name, { from, to }]];
    }),
  );
}

function tellable(value: unknown): Value {
  if (value === undefined || value === null) return null;
  if (value instanceof Array) return value.map((one) => tellable(one) as Scalar);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? value
    : JSON.stringify(value);
}

/** An entry on this request's behalf, or the service's own where there is none. */
export function entryOf(request: RequestWork | undefined, action: string, said: Audited): Outgoing {
  const { target, details = {}, actor = request?.actor, outcome = 'done', count = 1 } = said;
  return event(
    auditRecorded,
    {
      action,
      outcome,
      by: actor ? 'person' : request ? 'anonymous' : 'system',
      ...(actor ? { actor } : {}),
      ...(request ? { address: request.address, request_id: request.request_id } : {}),
      ...(target === undefined ? {} : { target }),
      details: bounded(details),
      count,
    },
    { about: target ?? 'audit' },
  );
}

/** Long texts and lists are cut: that something changed must be told, whatever it was. */
function bounded(details: NonNullable<Audited['details']>): AuditDetails {
  const cut = (value: Value): Scalar | Scalar[] =>
    value instanceof Array
      ? value.slice(0, MAX_DETAIL_ENTRIES).map((one) => cut(one) as Scalar)
      : typeof value === 'string'
        ? value.slice(0, MAX_DETAIL_LENGTH)
        : value;
  return Object.fromEntries(
    Object.entries(details).flatMap(([name, value]) => {
      if (value === undefined) return [];
      const isChange = value !== null && typeof value === 'object' && 'from' in value;
      return [[name, isChange ? { from: cut(value.from), to: cut(value.to) } : cut(value)]];
    }),
  );
}
