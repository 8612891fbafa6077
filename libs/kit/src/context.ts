import { AsyncLocalStorage } from 'node:async_hooks';
import type { AuditActor } from '@lineclear/contracts';

/** A request that runs: where it came from and, as soon as that is known, who makes it. */
export interface RequestWork {
  readonly request_id: string;
  readonly address: string;
  actor?: AuditActor;
  /** What the audit log was told of last, or that there is nothing to tell. */
  recorded?: 'done' | 'refused' | 'nothing';
}

/** An event that is being handled. */
interface EventWork {
  readonly event_id: string;
}

type Work = RequestWork | EventWork;

const storage = new AsyncLocalStorage<Work>();

/** Runs `fn` so that log lines written in it name this work. */
export const inWork = <T>(work: Work, fn: () => T): T => storage.run(work, fn);

/** The request that runs here; nothing where an event is handled or a service acts by itself. */
export function currentRequest(): RequestWork | undefined {
  const work = storage.getStore();
  return work && 'request_id' in work ? work : undefined;
}

/** What every log line of a request or an event should carry. */
export function workIds(): { readonly request_id: string } | { readonly event_id: string } | undefined {
  const work = storage.getStore();
  if (!work) return undefined;
  return 'request_id' in work ? { request_id: work.request_id } : { event_id: work.event_id };
}
