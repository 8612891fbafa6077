import { Inject, Injectable } from '@nestjs/common';
import { Clock, CONFIG, Database, LOGGER, Refused, type Logger } from '@lineclear/kit';
import type { Config } from '../config.js';
import type { Lease } from '../db/runs.repo.js';
import { SweepsRepo, type TakenSweep } from '../db/sweeps.repo.js';
import { SweptRunsRepo } from '../db/swept-runs.repo.js';
import type { Run } from '../domain/run.js';
import { retryDelayMs } from '../domain/schedule.js';
import { hintsOf, sweepDelayMs, type SweptRun } from '../domain/sweep.js';
import { ProviderFailure, type Adapter, type Listed } from '../adapters/adapter.js';
import { Credentials, MissingSecrets } from '../providers/credentials.js';
import { Later } from '../providers/later.js';
import { ProviderCalls } from '../providers/provider-calls.js';
import { ProviderNotices } from '../providers/provider-notices.js';
import { Providers } from '../providers/providers.js';

const NOTE_EVERY_MS = 30_000;

/** What a sweep came to: in how many milliseconds the next is due, if any, and whether runs wait for a look. */
export interface Swept {
  readonly nextInMs: number | undefined;
  readonly hinted: boolean;
}

/** What the list shows; or that it may be asked for after a while; or that it failed. */
type ListOutcome =
  | { readonly listed: readonly Listed[] }
  | { readonly waitMs: number }
  | { readonly retryAfterMs: number | undefined };
const FAILED: ListOutcome = { retryAfterMs: undefined };

/**
 * Lists an account once for all of its runs. A sweep decides nothing about a run: what is as it was known is noted, anything else
 * gets a look of its own. One that fails is made again later, and harms no run.
 */
@Injectable()
export class SweepAccount {
  /** Well before a run would pass for silent. */
  readonly #noteEveryMs: number;

  constructor(
    private readonly database: Database,
    private readonly sweeps: SweepsRepo,
    private readonly runs: SweptRunsRepo,
    private readonly providers: Providers,
    private readonly credentials: Credentials,
    private readonly calls: ProviderCalls,
    private readonly notices: ProviderNotices,
    private readonly clock: Clock,
    @Inject(CONFIG) config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    this.#noteEveryMs = Math.min(NOTE_EVERY_MS, config.LINECLEAR_MAX_SILENCE_SECONDS * 250);
  }

  async sweep(taken: TakenSweep, { owner }: Lease): Promise<Swept> {
    const { account, provider, failures } = taken;
    const adapter = this.providers.get(provider);
    const runs = adapter?.list ? await this.runs.of(this.database, account) : [];
    if (!adapter || runs.length === 0) {
      await this.sweeps.done(this.database, account, owner, undefined);
      return { nextInMs: undefined, hinted: false };
    }
    // Another run's each time: whose grant has ended must not keep the others from being looked after.
    const asker = await this.runs.get(this.database, runs[failures % runs.length]?.id ?? '');
    const outcome = asker ? await this.#list(adapter, runs, asker) : FAILED;
    if (!('listed' in outcome)) {
      const pause =
        'waitMs' in outcome
          ? { failures, inMs: outcome.waitMs }
          : {
              failures: failures + 1,
              inMs: retryDelayMs(failures + 1, Math.random(), outcome.retryAfterMs),
            };
      await this.sweeps.postpone(this.database, account, owner, pause);
      return { nextInMs: pause.inMs, hinted: false };
    }
    const { asKnown, toLookAt } = hintsOf(runs, outcome.listed);
    if (asKnown.length > 0) await this.runs.touch(this.database, asKnown, this.#noteEveryMs);
    if (toLookAt.length > 0) await this.runs.hint(this.database, toLookAt);
    const policy = this.providers.pollPolicy(adapter);
    const nextInMs = sweepDelayMs(runs, this.clock.now(), policy, Math.random());
    await this.sweeps.done(this.database, account, owner, nextInMs);
    return { nextInMs, hinted: toLookAt.length > 0 };
  }

  async #list(adapter: Adapter, runs: readonly SweptRun[], asker: Run): Promise<ListOutcome> {
    const ids = runs.map(({ externalId }) => externalId).filter((id) => id !== null);
    try {
      const credential = await this.credentials.ofProvider(adapter, asker);
      const account = this.credentials.accountOf(adapter, asker);
      const nextPage = (): Promise<void> => this.calls.nextPage(adapter, account);
      const list = async (): Promise<readonly Listed[]> =>
        (await adapter.list?.(ids, credential, nextPage)) ?? [];
      return { listed: await this.calls.make(adapter, asker, 'list', list) };
    } catch (error) {
      if (error instanceof Later) return { waitMs: error.waitMs };
      return { retryAfterMs: await this.#failed(error, adapter, asker) };
    }
  }

  async #failed(error: unknown, adapter: Adapter, asker: Run): Promise<number | undefined> {
    const { name } = adapter;
    if (error instanceof MissingSecrets || error instanceof Refused) {
      await this.notices.tell(name, undefined, error.message);
      return undefined;
    }
    if (!(error instanceof ProviderFailure)) {
      this.log.warn({ err: error, provider: name }, 'an account could not be listed');
      return undefined;
    }
    if (error.kind === 'denied') this.credentials.refused(asker);
    // Not its words: a list may show what any run of the account was given.
    await this.notices.tell(name, undefined, `its runs could not be listed: ${error.kind}`);
    return error.retryAfterMs;
  }
}
