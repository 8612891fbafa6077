import { Inject, Injectable } from '@nestjs/common';
import { Clock, CONFIG, LOGGER, Refused, type Logger } from '@lineclear/kit';
import type { Config } from '../config.js';
import { believedEnd } from '../domain/believed-end.js';
import { withLeaks } from '../domain/leaks.js';
import type { LogChunk } from '../domain/log-chunks.js';
import { isLost, isTakenAway } from '../domain/next-step.js';
import { forward, lostOutcome, outcomeOf, waits } from '../domain/remote-state.js';
import { idOf, type ClaimedRun, type Run, type StopReason } from '../domain/run.js';
import { startOf } from '../domain/start-of-run.js';
import { ProviderFailure, type Adapter, type Credential, type Observation } from '../adapters/adapter.js';
import { Credentials, MissingSecrets } from '../providers/credentials.js';
import { Later } from '../providers/later.js';
import { ProviderCalls } from '../providers/provider-calls.js';
import { ProviderNotices } from '../providers/provider-notices.js';
import { Providers } from '../providers/providers.js';
import { LetGo, leftOf } from './let-go.js';
import { LogReader, type ReadLog } from './read-log.js';
import { ended, moved, tryAgain, type StepResult } from './step-result.js';

const LOG_TRIES_AT_THE_END = 3;
const RELEASE_TRIES = 10;
// A run that is lost holds its place meanwhile.
const LOST_TRIES = 4;

/** The steps with a run that its provider has accepted: look at it, stop it. */
@Injectable()
export class LookAtRun {
  constructor(
    private readonly providers: Providers,
    private readonly credentials: Credentials,
    private readonly calls: ProviderCalls,
    private readonly notices: ProviderNotices,
    private readonly logs: LogReader,
    private readonly letGo: LetGo,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  async cancel(before: ClaimedRun, adapter: Adapter, reason: StopReason): Promise<StepResult> {
    const now = this.clock.now();
    const run: Run = {
      ...before,
      state: 'cancelling',
      stopReason: before.stopReason ?? reason,
      stopRequestedAt: before.stopRequestedAt ?? now,
    };
    let credential: Credential;
    try {
      credential = await this.credentials.ofProvider(adapter, run);
      await this.calls.make(adapter, run, 'cancel', () => adapter.cancel(idOf(run), credential));
    } catch (error) {
      return this.#failed(before, run, error, adapter, credential);
    }
    return this.look(before, { ...run, cancelSentAt: now }, adapter);
  }

  async look(before: ClaimedRun, run: Run, adapter: Adapter): Promise<StepResult> {
    let credential: Credential;
    let seen: Observation | undefined;
    try {
      credential = await this.credentials.ofProvider(adapter, run);
      const id = idOf(run);
      seen = (await this.calls.make(adapter, run, 'get', () => adapter.get([id], credential))).get(id);
    } catch (error) {
      return this.#failed(before, run, error, adapter, credential);
    }
    const looked: Run = {
      ...run,
      lookedAt: this.clock.now(),
      account: run.account ?? this.credentials.accountOf(adapter, run),
    };
    if (seen === undefined) return this.#missing(before, looked, adapter);
    if (seen.state === undefined) {
      this.log.warn(
        { provider: run.provider, job_id: run.jobId, word: seen.word },
        'the provider used a word for a state that the configuration does not know',
      );
      await this.notices.tell(
        run.provider,
        run.jobId,
        `its state ${JSON.stringify(seen.word)} is not in the configuration`,
      );
      return this.#goesOn(before, { ...looked, missingCount: 0, missingSince: null }, adapter);
    }
    return this.#seen(before, this.#withSeen(looked, seen, seen.state), adapter, credential, seen.message);
  }

  /** Ends a run that nothing was heard of for too long. */
  async giveUp(run: ClaimedRun, adapter: Adapter, message: string): Promise<StepResult> {
    return this.#lost(run, run, adapter, message);
  }

  /** Reads the output of a run whose account's list says how it is. */
  async read(run: ClaimedRun, adapter: Adapter): Promise<StepResult> {
    let credential: Credential;
    try {
      credential = await this.credentials.ofProvider(adapter, run);
    } catch (error) {
      return this.#failed(run, run, error, adapter, credential);
    }
    const log = (await this.#readLog(run, adapter, credential, false)) ?? { run, chunks: [] };
    return this.#goesOn(run, log.run, adapter, log.chunks);
  }

  async #seen(
    before: ClaimedRun,
    run: Run,
    adapter: Adapter,
    credential: Credential,
    said: string | undefined,
  ): Promise<StepResult> {
    const now = this.clock.now();
    const outcome = run.remoteState === null ? undefined : outcomeOf(run.remoteState, run.stopReason);
    const log = await this.#readLog(run, adapter, credential, outcome !== undefined);
    if (log === undefined) return tryAgain(before, run);
    if (outcome === undefined) return this.#goesOn(before, log.run, adapter, log.chunks);
    if (adapter.release) {
      // What is known of its end is stored before the provider forgets it.
      if (before.remoteState !== log.run.remoteState) return moved(before, log.run, 0, now, log.chunks);
      if ((await this.letGo.tryIt(log.run, adapter, RELEASE_TRIES)) === 'again') return tryAgain(before, run);
    }
    const clean = said === undefined ? null : await this.credentials.clean(run, adapter, credential, said);
    const told = withLeaks(log.run, clean?.hits ?? [], 'message');
    return ended(before, told, outcome, clean?.text ?? null, now, log.chunks);
  }

  /** New output, if it is time; undefined when a run that is over should wait for its last lines. */
  async #readLog(
    run: Run,
    adapter: Adapter,
    credential: Credential,
    isOver: boolean,
  ): Promise<ReadLog | undefined> {
    const nothing = { run, chunks: [] };
    if (!(isOver ? adapter.capabilities.logs : this.logs.isDue(run, adapter, this.clock.now())))
      return nothing;
    try {
      return await this.logs.read(run, adapter, credential, isOver);
    } catch (error) {
      if (isOver && error instanceof Later) throw error;
      // Without the error: a provider may repeat in it what it was given.
      this.log.debug({ job_id: run.jobId }, 'the output of a run could not be read');
      if (!isOver) return nothing;
      return run.failures < LOG_TRIES_AT_THE_END
        ? undefined
        : this.logs.withheld(run, 'its last part could not be read');
    }
  }

  #withSeen(run: Run, seen: Observation, state: NonNullable<Observation['state']>): Run {
    const now = this.clock.now();
    const remoteState = forward(run.remoteState, state);
    // Left alone while it waits: what has waited for long is looked at less often.
    const startedAt = waits(remoteState) ? run.startedAt : startOf(run);
    const { exitCode = run.exitCode, endedAt = run.endedAt } = believedEnd(seen, startedAt, now);
    const goesOn = outcomeOf(remoteState, null) === undefined;
    return {
      ...run,
      remoteState,
      startedAt,
      runningSince: run.runningSince ?? (remoteState === 'running' ? now : null),
      lastObservedAt: now,
      missingCount: 0,
      missingSince: null,
      progress: seen.progress ? { ...run.progress, ...seen.progress } : run.progress,
      // What it had cost at an earlier look, minutes ago perhaps, is not what it cost in the end.
      costUsd: seen.costUsd ?? (goesOn ? run.costUsd : null),
      exitCode,
      cause: seen.cause ?? run.cause,
      endedAt,
      // Those before its end was known are not tries to read its last lines, or to take it away.
      failures: remoteState === run.remoteState ? run.failures : 0,
    };
  }

  async #missing(before: ClaimedRun, seen: Run, adapter: Adapter): Promise<StepResult> {
    const now = this.clock.now();
    const known = seen.remoteState === null ? undefined : outcomeOf(seen.remoteState, seen.stopReason);
    // It was taken away after its end was stored.
    if (known !== undefined) return ended(before, seen, known, null, now);
    if (isTakenAway(seen, adapter.capabilities.cancelRemoves))
      return ended(before, seen, lostOutcome(seen.stopReason), null, now);
    const run: Run = { ...seen, missingCount: seen.missingCount + 1, missingSince: seen.missingSince ?? now };
    const misses = { count: run.missingCount, since: run.missingSince ?? now };
    return isLost(misses, now, this.config.LINECLEAR_LOST_AFTER_SECONDS * 1_000)
      ? this.#lost(before, run, adapter, 'the provider does not know the run any more')
      : this.#goesOn(before, run, adapter);
  }

  /** The end of a run of which nobody says any more how it is. It may be there all the same: it is stopped first, as well as that goes. */
  async #lost(before: ClaimedRun, run: Run, adapter: Adapter, message: string): Promise<StepResult> {
    const stopped = await this.letGo.tryIt(run, adapter, LOST_TRIES);
    if (stopped === 'again') return tryAgain(before, run);
    const said = stopped === 'left' ? `${message}; ${leftOf(run)}` : message;
    return ended(before, run, lostOutcome(run.stopReason), said, this.clock.now());
  }

  async #failed(
    before: ClaimedRun,
    run: Run,
    error: unknown,
    adapter: Adapter,
    credential: Credential,
  ): Promise<StepResult> {
    if (error instanceof Later) throw error;
    if (error instanceof MissingSecrets || error instanceof Refused)
      // The account that the run is on cannot be used: on another one it would not be found.
      await this.notices.tell(run.provider, run.jobId, error.message);
    if (!(error instanceof ProviderFailure)) return tryAgain(before, run);
    if (error.kind === 'denied') this.credentials.refused(run);
    const said = await this.credentials.clean(run, adapter, credential, error.message);
    await this.notices.tell(run.provider, run.jobId, said?.text ?? null);
    return tryAgain(before, withLeaks(run, said?.hits ?? [], 'message'), error.retryAfterMs);
  }

  #goesOn(before: ClaimedRun, run: Run, adapter: Adapter, chunks: readonly LogChunk[] = []): StepResult {
    const now = this.clock.now();
    return moved(before, { ...run, failures: 0 }, this.providers.nextStepMs(adapter, run, now), now, chunks);
  }
}
