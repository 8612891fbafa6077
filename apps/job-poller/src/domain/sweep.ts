import { SAFETY_MS } from './next-step.js';
import { forward } from './remote-state.js';
import type { RemoteState, Run } from './run.js';
import { notPastItsEnd, pollDelayMs, spreadMs, wantedMs, type PollPolicy } from './schedule.js';

/** What a sweep knows of a run before it lists. */
export type SweptRun = Pick<
  Run,
  'id' | 'externalId' | 'state' | 'remoteState' | 'missingCount' | 'startedAt' | 'runningSince'
>;

/** Which runs a list shows as they are known, and which need a look of their own; each by its id. */
export interface Hints {
  readonly asKnown: readonly string[];
  readonly toLookAt: readonly string[];
}

/**
 * What a list of an account says about its runs. It only hints: what changed, ended, is not in the list, or is there again
 * after it was missing, is asked for by itself, and that look decides.
 */
export function hintsOf(
  runs: readonly SweptRun[],
  listed: readonly {
    readonly externalId: string;
    readonly seen: { readonly state: RemoteState | undefined };
  }[],
): Hints {
  const states = new Map(listed.map(({ externalId, seen }) => [externalId, seen.state]));
  const asKnown: string[] = [];
  const toLookAt: string[] = [];
  for (const run of runs) {
    const state = run.externalId === null ? undefined : states.get(run.externalId);
    // An older state than the known one is an answer that comes late.
    const isKnown =
      state !== undefined && forward(run.remoteState, state) === run.remoteState && run.missingCount === 0;
    (isKnown ? asKnown : toLookAt).push(run.id);
  }
  return { asKnown, toLookAt };
}

/** How long until an account's next sweep: as soon as the most urgent of its runs wants it. Undefined when it has none. */
export function sweepDelayMs(
  runs: readonly SweptRun[],
  now: Date,
  policy: PollPolicy,
  random: number,
): number | undefined {
  let least: number | undefined;
  for (const run of runs) {
    const wanted = run.state === 'cancelling' ? policy.baseMs : wantedMs(run, now, policy);
    least = Math.min(least ?? wanted, wanted);
  }
  return least === undefined ? undefined : Math.round(spreadMs(least, policy, random));
}

/** What a run needs steps of its own for, beside the sweeps of its account. */
export interface OwnNeeds {
  /** Whether its account is swept at all. */
  readonly isSwept: boolean;
  /** Null where the provider has no output. */
  readonly logsEveryMs: number | null;
  readonly cancelAgainMs: number;
}

/** How long until the next step of a run that goes on. */
export function stepDelayMs(
  run: Run,
  now: Date,
  policy: PollPolicy,
  needs: OwnNeeds,
  random: number,
): number {
  const isCancelling = run.state === 'cancelling';
  const pollMs = pollDelayMs(run, now, policy, random);
  if (!needs.isSwept) return isCancelling ? Math.min(pollMs, policy.baseMs, needs.cancelAgainMs) : pollMs;
  const safetyMs = Math.max(SAFETY_MS, policy.baseMs);
  const sinceLookMs = run.lookedAt === null ? 0 : now.getTime() - run.lookedAt.getTime();
  const delays = [spreadMs(safetyMs, { baseMs: 0, maxMs: safetyMs }, random) - sinceLookMs];
  if (needs.logsEveryMs !== null) delays.push(Math.max(needs.logsEveryMs, pollMs));
  if (isCancelling) delays.push(needs.cancelAgainMs);
  return notPastItsEnd(Math.min(...delays), run, now);
}
