import type { EventData, runEnded, runObserved, RunOutcome, runStarted } from '@lineclear/contracts';
import type { Published, Run } from './run.js';

const about = ({ jobId, attempt, claimId, provider }: Run) => ({
  job_id: jobId,
  attempt,
  claim_id: claimId,
  provider,
});

/** What `run.started` says; undefined while the provider has not accepted the run. */
export function startedData(run: Run): EventData<typeof runStarted> | undefined {
  if (run.externalId === null || run.startedAt === null) return undefined;
  return { ...about(run), external_id: run.externalId, started_at: run.startedAt.toISOString() };
}

/** Ends that nothing was the cause of. */
const FINE: ReadonlySet<RunOutcome> = new Set(['succeeded', 'cancelled']);

/** What `run.ended` says; undefined while the run goes on. */
export function endedData(run: Run): EventData<typeof runEnded> | undefined {
  if (run.outcome === null || run.endedAt === null) return undefined;
  return {
    ...about(run),
    outcome: run.outcome,
    ...(run.cause === null || FINE.has(run.outcome) ? {} : { cause: run.cause }),
    ended_at: run.endedAt.toISOString(),
    ...(run.startedAt === null ? {} : { started_at: run.startedAt.toISOString() }),
    ...(run.exitCode === null ? {} : { exit_code: run.exitCode }),
    ...(run.message === null ? {} : { message: run.message }),
    ...(run.costUsd === null ? {} : { cost_usd: run.costUsd }),
  };
}

/** What `run.observed` says. */
export function observedData(
  run: Run,
  { atMs, remoteState, ...progress }: Published,
): EventData<typeof runObserved> {
  return { ...about(run), remote_state: remoteState, ...progress, observed_at: new Date(atMs).toISOString() };
}

const MIN_GAP_MS = 1_000;

/**
 * What is to be told of a run now: what changed since it was last told, but not more often than once a second. Of a run that
 * is over only its last progress: how it ended says `run.ended`.
 */
export function toPublish(run: Run, now: Date): Published | undefined {
  if (run.remoteState === null) return undefined;
  const { published } = run;
  const next: Published = { ...run.progress, atMs: now.getTime(), remoteState: run.remoteState };
  if (run.state === 'ended') {
    const told = published ?? { atMs: 0, remoteState: run.remoteState };
    return same({ ...told, remoteState: run.remoteState }, next) ? undefined : next;
  }
  if (!published) return next;
  const stateChanged = published.remoteState !== run.remoteState;
  if (!stateChanged && (now.getTime() - published.atMs < MIN_GAP_MS || same(published, next)))
    return undefined;
  return next;
}

/** Whether both tell the same, whenever that was. Keys in order: what comes back from the database may have them in another one. */
const same = (a: Published, b: Published): boolean => canonical(a) === canonical(b);

const canonical = ({ metrics, ...rest }: Published): string =>
  JSON.stringify([sorted({ ...rest, atMs: 0 }), sorted(metrics ?? {})]);

const sorted = (value: object): [string, unknown][] =>
  Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
