import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG } from '@lineclear/kit';
import type { Config } from '../config.js';
import type { Run } from '../domain/run.js';
import type { PollPolicy } from '../domain/schedule.js';
import { stepDelayMs } from '../domain/sweep.js';
import type { Adapter } from '../adapters/adapter.js';
import { LocalAdapter } from '../adapters/local.js';
import type { TaskStore } from '../adapters/agents.js';
import { makeAdapter, type AdapterOptions } from '../adapters/make-adapter.js';

// What "do not poll" comes to: a run's end is still noticed some time.
const HARDLY_EVER_MS = 3_600_000;

export const ADAPTERS = Symbol('adapters of providers');

/** The providers that are configured, by name. */
@Injectable()
export class Providers implements OnApplicationShutdown {
  readonly #adapters: ReadonlyMap<string, Adapter>;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(ADAPTERS) adapters: readonly Adapter[],
  ) {
    this.#adapters = new Map(adapters.map((adapter) => [adapter.name, adapter]));
  }

  get(name: string): Adapter | undefined {
    return this.#adapters.get(name);
  }

  /** How often runs of this provider are looked at: the configuration file's word for all, or the provider's own. */
  pollPolicy(adapter: Adapter): PollPolicy {
    const { enabled, interval_seconds } = this.config.file.background.job_status_polling;
    if (!enabled) return { baseMs: HARDLY_EVER_MS, maxMs: HARDLY_EVER_MS };
    if (interval_seconds === undefined) return adapter.capabilities.poll;
    return { baseMs: interval_seconds * 1_000, maxMs: interval_seconds * 1_000 };
  }

  /** The names of those that list all runs of an account in one call. */
  listing(): string[] {
    return [...this.#adapters.values()]
      .filter((adapter) => adapter.list !== undefined)
      .map(({ name }) => name);
  }

  /** Those that have a price list. */
  pricing(): Adapter[] {
    return [...this.#adapters.values()].filter((adapter) => adapter.prices !== undefined);
  }

  /** How long until the next step of a run that goes on. */
  nextStepMs(adapter: Adapter, run: Run, now: Date): number {
    const { logs, logsEveryMs, cancelAgainMs } = adapter.capabilities;
    const needs = {
      isSwept: isSwept(adapter, run),
      logsEveryMs: logs ? logsEveryMs : null,
      cancelAgainMs,
    };
    return stepDelayMs(run, now, this.pollPolicy(adapter), needs, Math.random());
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.#adapters.values()].map((adapter) => adapter.close()));
  }
}

/** Whether a run is looked after by the sweeps of its account. */
export const isSwept = (adapter: Adapter | undefined, run: Run): boolean =>
  adapter?.list !== undefined && run.account !== null;

export function adaptersOf(config: Config, tasks: TaskStore): Adapter[] {
  const options: AdapterOptions = {
    timeoutMs: config.LINECLEAR_PROVIDER_TIMEOUT_SECONDS * 1_000,
    local: {
      runsDir: config.runsDir,
      stopGraceMs: config.LINECLEAR_STOP_GRACE_SECONDS * 1_000,
      path: config.PATH,
      lang: config.LANG,
    },
    tasks,
  };
  const configured = Object.entries(config.file.providers);
  const adapters = configured
    .filter(([, provider]) => provider.enabled)
    .map(([name, provider]) => makeAdapter(name, provider, options));
  const named = configured.some(([name]) => name === 'local');
  return config.LINECLEAR_LOCAL_PROVIDER && !named
    ? [...adapters, new LocalAdapter('local', options.local)]
    : adapters;
}
