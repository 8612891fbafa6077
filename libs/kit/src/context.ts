import { AsyncLocalStorage } from 'node:async_hooks';

/** What every log line of a request or an event should carry. */
interface Work {
  readonly request_id?: string;
  readonly event_id?: string;
}

const storage = new AsyncLocalStorage<Work>();

/** Runs `fn` so that log lines written in it name this work. */
export const inWork = <T>(work: Work, fn: () => T): T => storage.run(work, fn);
export const currentWork = (): Work | undefined => storage.getStore();
