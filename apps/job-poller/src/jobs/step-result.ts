import type { RunOutcome } from '@lineclear/contracts';
import { toPublish } from '../domain/announce.js';
import type { LogChunk } from '../domain/log-chunks.js';
import type { ClaimedRun, Run } from '../domain/run.js';
import { retryDelayMs } from '../domain/schedule.js';
import { startOf } from '../domain/start-of-run.js';
import { storable } from '../domain/storable.js';

const MAX_MESSAGE = 2_000;

/** What a step made of its run. */
export interface StepResult {
  readonly before: ClaimedRun;
  readonly run: Run;
  readonly nextInMs: number;
  readonly chunks: readonly LogChunk[];
}

/** The step got somewhere: what is new is to be told, the next step is due in a while. */
export function moved(
  before: ClaimedRun,
  run: Run,
  nextInMs: number,
  now: Date,
  chunks: readonly LogChunk[] = [],
): StepResult {
  return { before, run: { ...run, published: toPublish(run, now) ?? run.published }, nextInMs, chunks };
}

/** The run is over. */
export function ended(
  before: ClaimedRun,
  run: Run,
  outcome: RunOutcome,
  message: string | null,
  now: Date,
  chunks: readonly LogChunk[] = [],
): StepResult {
  return moved(
    before,
    {
      ...run,
      state: 'ended',
      outcome,
      message: message === null ? null : storable(message.slice(0, MAX_MESSAGE)),
      startedAt: startOf(run),
      endedAt: run.endedAt ?? now,
    },
    0,
    now,
    chunks,
  );
}

/** The step did not get what it wanted: it is tried again, later each time. */
export function tryAgain(before: ClaimedRun, run: Run, retryAfterMs?: number): StepResult {
  const failures = run.failures + 1;
  return {
    before,
    run: { ...run, failures },
    nextInMs: retryDelayMs(failures, Math.random(), retryAfterMs),
    chunks: [],
  };
}
