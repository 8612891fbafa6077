import { Inject, Injectable } from '@nestjs/common';
import { Clock, CONFIG, Refused } from '@lineclear/kit';
import type { Config } from '../config.js';
import { withLeaks } from '../domain/leaks.js';
import { isLost, settlesInMs } from '../domain/next-step.js';
import type { ClaimedRun, Hit, Run } from '../domain/run.js';
import { ProviderFailure, type Adapter, type Credential, type Submission } from '../adapters/adapter.js';
import { Credentials, MissingSecrets, redactorOf, type Values } from '../providers/credentials.js';
import { Later } from '../providers/later.js';
import { ProviderCalls } from '../providers/provider-calls.js';
import { ProviderNotices } from '../providers/provider-notices.js';
import { givenTo } from '../providers/given.js';
import { Providers } from '../providers/providers.js';
import { Webhooks } from '../providers/webhooks.js';
import { ended, moved, tryAgain, type StepResult } from './step-result.js';

/** The steps that bring a run to its provider: at most once, whatever is lost on the way. */
@Injectable()
export class SubmitRun {
  constructor(
    private readonly providers: Providers,
    private readonly credentials: Credentials,
    private readonly calls: ProviderCalls,
    private readonly notices: ProviderNotices,
    private readonly webhooks: Webhooks,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Calls the provider. That it may have been called is committed already; `isStillOurs` says whether that is recent enough. */
  async submit(run: ClaimedRun, adapter: Adapter, isStillOurs: () => boolean): Promise<StepResult> {
    let credential: Credential;
    let secrets: Values;
    try {
      credential = await this.credentials.ofProvider(adapter, run);
      secrets = await this.credentials.ofRun(run, true);
    } catch (error) {
      // What is missing, has ended, or is against the policy stays so: nobody else's is taken instead.
      if (error instanceof MissingSecrets || error instanceof Refused)
        return ended(run, run, 'refused', error.message, this.clock.now());
      return tryAgain(run, notCalled(run));
    }
    const submission = { ...submissionOf(run, secrets), webhook: await this.webhooks.askedOf(adapter) };
    if (submission.files.length > 0 && !adapter.capabilities.files)
      return ended(run, run, 'refused', `${adapter.name} gives its runs no files`, this.clock.now());
    // Waiting for the secrets, or for leave to call, can have taken so long that another replica has the run by now.
    const beOurs = (): void => {
      if (!isStillOurs()) throw new Later('the intent is too old', 0);
    };
    beOurs();
    try {
      const { externalId } = await this.calls.make(adapter, run, 'submit', () => {
        beOurs();
        this.calls.dispatched(run.provider, (this.clock.now().getTime() - run.createdAt.getTime()) / 1_000);
        return adapter.submit(submission, credential);
      });
      return this.#accepted(run, adapter, externalId);
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error;
      const { text, hits } = redactorOf(secrets, adapter, credential).clean(error.message);
      return this.#failed(run, error, text, hits);
    }
  }

  /** Looks for a run whose submit had no answer. */
  async find(run: ClaimedRun, adapter: Adapter): Promise<StepResult> {
    const waitMs = settlesInMs(run, this.config.LINECLEAR_SUBMIT_SETTLE_SECONDS * 1_000);
    let credential: Credential;
    try {
      credential = await this.credentials.ofProvider(adapter, run);
      const found = await this.calls.make(adapter, run, 'find', () =>
        adapter.find(run.runKey, credential, run.submitStartedAt ?? undefined, waitMs > 0),
      );
      if (found) return this.#accepted(run, adapter, found.externalId);
    } catch (error) {
      if (error instanceof Later) throw error;
      if (!(error instanceof ProviderFailure)) return tryAgain(run, run);
      if (error.kind === 'denied') this.credentials.refused(run);
      const said = await this.credentials.clean(run, adapter, credential, error.message);
      await this.notices.tell(run.provider, run.jobId, said?.text ?? null);
      return tryAgain(run, withLeaks(run, said?.hits ?? [], 'message'), error.retryAfterMs);
    }
    const now = this.clock.now();
    if (waitMs > 0) return moved(run, run, waitMs, now);
    return this.#isContradicted(run, now)
      ? ended(
          run,
          run,
          'failed',
          `the provider says that it has ${run.runKey}, and does not show it: it may cost there`,
          now,
        )
      : moved(run, notCalled(run), 0, now);
  }

  async #failed(
    before: ClaimedRun,
    { kind, retryAfterMs }: ProviderFailure,
    message: string,
    hits: readonly Hit[],
  ): Promise<StepResult> {
    const now = this.clock.now();
    const run = withLeaks(before, hits, 'message');
    if (kind === 'refused')
      return ended(before, run, 'refused', `the provider refused the run: ${message}`, now);
    await this.notices.tell(run.provider, run.jobId, message);
    switch (kind) {
      case 'denied':
        // Once more with the credential as it is now.
        if (this.credentials.refused(run)) return tryAgain(before, notCalled(run));
        return ended(before, run, 'refused', `the provider does not accept our credential: ${message}`, now);
      case 'exists': {
        const { missingCount: count, missingSince: since } = run;
        return moved(before, { ...run, missingCount: count + 1, missingSince: since ?? now }, 0, now);
      }
      case 'busy':
      case 'not sent':
        return tryAgain(before, notCalled(run), retryAfterMs);
      case 'unknown':
        return tryAgain(before, run, retryAfterMs);
    }
  }

  /** Whether submit after submit was told that the run exists, over some time, and no look has found it. */
  #isContradicted({ missingCount: count, missingSince: since, stopRequestedAt }: Run, now: Date): boolean {
    const lostAfterMs = this.config.LINECLEAR_LOST_AFTER_SECONDS * 1_000;
    return stopRequestedAt === null && isLost({ count, since: since ?? now }, now, lostAfterMs);
  }

  #accepted(before: ClaimedRun, adapter: Adapter, externalId: string): StepResult {
    const now = this.clock.now();
    const run: Run = {
      ...before,
      state: before.stopRequestedAt === null ? 'active' : 'cancelling',
      externalId,
      account: this.credentials.accountOf(adapter, before),
      startedAt: now,
      lastObservedAt: now,
      lookedAt: now,
      failures: 0,
      missingCount: 0,
      missingSince: null,
    };
    const nextInMs = run.state === 'active' ? this.providers.nextStepMs(adapter, run, now) : 0;
    return moved(before, run, nextInMs, now);
  }
}

/** The provider has certainly no run of this key: whoever submits writes the intent anew. */
export const notCalled = (run: Run): Run => ({ ...run, state: 'intended' });

const submissionOf = (run: ClaimedRun, secrets: Values): Submission => ({
  runKey: run.runKey,
  jobId: run.jobId,
  attempt: run.attempt,
  config: run.config ?? {},
  hardware: run.hardware,
  ...givenTo(run, secrets),
  maxRuntimeSeconds: run.maxRuntimeSeconds,
  outputPath: run.outputPath,
  checkpointPath: run.checkpointPath,
});
