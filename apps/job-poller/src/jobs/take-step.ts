import { Inject, Injectable } from '@nestjs/common';
import { Clock, CONFIG, inSpan, LOGGER, type Logger } from '@lineclear/kit';
import { SpanKind } from '@opentelemetry/api';
import type { Config } from '../config.js';
import { nextStep, type Limits, type Step } from '../domain/next-step.js';
import type { ClaimedRun } from '../domain/run.js';
import type { Adapter } from '../adapters/adapter.js';
import { Breakers } from '../providers/breakers.js';
import { Later } from '../providers/later.js';
import { isSwept, Providers } from '../providers/providers.js';
import { LookAtRun } from './look-at-run.js';
import { ended, moved, tryAgain, type StepResult } from './step-result.js';
import { notCalled, SubmitRun } from './submit-run.js';

/** Does the one step that a run needs now. */
@Injectable()
export class TakeStep {
  constructor(
    private readonly providers: Providers,
    private readonly submitRun: SubmitRun,
    private readonly lookAtRun: LookAtRun,
    private readonly breakers: Breakers,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** Never throws: a step that fails by a mistake of ours is tried again too. */
  async take(run: ClaimedRun, isStillOurs: () => boolean): Promise<StepResult> {
    try {
      return await this.#take(run, isStillOurs);
    } catch (error) {
      if (error instanceof Later) return postponed(run, error, this.clock.now());
      this.log.error({ err: error, job_id: run.jobId, attempt: run.attempt }, 'a step of a run failed');
      return tryAgain(run, run);
    }
  }

  async #take(run: ClaimedRun, isStillOurs: () => boolean): Promise<StepResult> {
    const adapter = this.providers.get(run.provider);
    const step = nextStep(run, this.clock.now(), await this.#limits(adapter, run));
    if (!adapter) {
      if (step.kind === 'end') return ended(run, run, step.outcome, step.message, this.clock.now());
      if (step.kind === 'submit')
        return ended(run, run, 'refused', `the provider ${run.provider} is not configured`, this.clock.now());
      this.log.warn(
        { provider: run.provider, job_id: run.jobId },
        'a run waits for its provider, which is not configured any more',
      );
      return tryAgain(run, run);
    }
    const span = {
      kind: SpanKind.INTERNAL,
      traceparent: run.traceparent ?? undefined,
      attributes: { 'lineclear.provider': run.provider },
    };
    return inSpan(`run ${step.kind}`, span, () => this.#do(step, run, adapter, isStillOurs));
  }

  async #do(step: Step, run: ClaimedRun, adapter: Adapter, isStillOurs: () => boolean): Promise<StepResult> {
    switch (step.kind) {
      case 'submit':
        return this.submitRun.submit(run, adapter, isStillOurs);
      case 'find':
        return this.submitRun.find(run, adapter);
      case 'cancel':
        return this.lookAtRun.cancel(run, adapter, step.reason);
      case 'poll':
        return this.lookAtRun.look(run, run, adapter);
      case 'read':
        return this.lookAtRun.read(run, adapter);
      case 'end':
        return run.externalId === null
          ? ended(run, run, step.outcome, step.message, this.clock.now())
          : this.lookAtRun.giveUp(run, adapter, step.message);
      case 'nothing':
        return { before: run, run, nextInMs: 0, chunks: [] };
    }
  }

  async #limits(adapter: Adapter | undefined, run: ClaimedRun): Promise<Limits> {
    return {
      maxSilenceMs: this.config.LINECLEAR_MAX_SILENCE_SECONDS * 1_000,
      cancelAgainMs: adapter?.capabilities.cancel ? adapter.capabilities.cancelAgainMs : null,
      isSwept: isSwept(adapter, run),
      awayUntil: await this.breakers.awayUntil(run.provider),
    };
  }
}

/** The run stays as it was, and its step is due again when the call may be made. A submit that was not made is an intent again. */
function postponed(run: ClaimedRun, { waitMs, isAway }: Later, now: Date): StepResult {
  const kept = run.fresh || run.state === 'intended' ? notCalled(run) : run;
  return moved(run, isAway ? { ...kept, missingCount: 0, missingSince: null } : kept, waitMs, now);
}
