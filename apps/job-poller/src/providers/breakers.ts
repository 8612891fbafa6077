import { Inject, Injectable } from '@nestjs/common';
import { Bus, event } from '@lineclear/bus';
import { providerDegraded, providerRestored } from '@lineclear/contracts';
import { Clock, Database, LOGGER, Metrics, type Logger } from '@lineclear/kit';
import { Gauge } from 'prom-client';
import { ProviderBreakersRepo, type StoredBreaker } from '../db/provider-breakers.repo.js';
import { admission, afterCall, probeDelayMs, shouldOpen, type Silence } from '../domain/breaker.js';
import type { Purpose } from '../domain/token-bucket.js';
import { Later } from './later.js';

// How old what is known of the breakers of all replicas may be.
const FRESH_MS = 2_000;
// A claim is not kept longer than this after its provider is back.
const DISPATCH_WAIT_MS = 10_000;

/** A breaker as it was read, with the moment of its next probe by this process's clock of durations. */
interface Known extends StoredBreaker {
  readonly probeAtMs: number;
}

/**
 * Keeps calls from a provider that is away. Each replica counts its own failures; that a breaker is open stands in Postgres, so
 * that all stop calling when one has seen enough, and that it opened and closed is told once.
 */
@Injectable()
export class Breakers {
  readonly #silences = new Map<string, Silence>();
  #known: ReadonlyMap<string, Known> = new Map();
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(
    private readonly database: Database,
    private readonly repo: ProviderBreakersRepo,
    private readonly bus: Bus,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
    { registry }: Metrics,
  ) {
    const known = (): Promise<ReadonlyMap<string, Known>> => this.#fresh();
    new Gauge({
      name: 'lineclear_provider_breaker_open',
      help: 'Whether a provider is away, so that nobody calls it but to see whether it is back',
      labelNames: ['provider'],
      registers: [registry],
      async collect() {
        for (const [provider, { sinceMs }] of await known()) this.set({ provider }, sinceMs === null ? 0 : 1);
      },
    });
  }

  /** Whether a call may be made now, or only to see whether the provider is back. @throws Later when it is away */
  async admit(provider: string, purpose: Purpose): Promise<'call' | 'probe'> {
    const known = (await this.#fresh()).get(provider);
    const admitted = admission(known?.sinceMs === null ? undefined : known, performance.now());
    if (typeof admitted === 'string') return admitted;
    throw awayFor(provider, purpose, admitted.waitMs);
  }

  /** Makes this call the one that sees whether the provider is back. @throws Later when another is */
  async probe(provider: string, purpose: Purpose): Promise<void> {
    const nextInMs = probeDelayMs((this.#known.get(provider)?.probes ?? 0) + 1);
    const isOurs = await this.repo.takeProbe(this.database, provider, nextInMs);
    this.#forget();
    if (!isOurs) throw awayFor(provider, purpose, nextInMs);
  }

  /** A call was made. Never throws: what is not written now, the next call brings. */
  async called(provider: string, answered: boolean): Promise<void> {
    const nowMs = this.clock.now().getTime();
    const silence = afterCall(this.#silences.get(provider), answered, nowMs);
    if (silence) this.#silences.set(provider, silence);
    else this.#silences.delete(provider);
    const isOpen = (this.#known.get(provider)?.sinceMs ?? null) !== null;
    try {
      if (isOpen && answered) await this.#close(provider);
      if (!isOpen && silence && shouldOpen(silence, nowMs)) await this.#open(provider, silence, nowMs);
    } catch (error) {
      this.log.warn({ err: error, provider }, 'could not note whether the provider is away');
    }
  }

  /** Until when the provider was away, which is now while it is: silence of its runs says nothing before that. */
  async awayUntil(provider: string): Promise<Date | null> {
    const known = (await this.#fresh()).get(provider);
    return known === undefined || known.sinceMs === null ? (known?.restoredAt ?? null) : this.clock.now();
  }

  async #open(provider: string, silence: Silence, nowMs: number): Promise<void> {
    const since = new Date(silence.sinceMs);
    const seconds = Math.round((nowMs - silence.sinceMs) / 1_000);
    const message = `none of ${silence.failures} calls was answered for ${seconds} seconds`;
    await this.database.tx(async (tx) => {
      if (!(await this.repo.open(tx, provider, since, probeDelayMs(0)))) return;
      const data = { provider, since: since.toISOString(), message };
      await this.bus.publish(tx, event(providerDegraded, data, { about: `provider/${provider}` }));
    });
    this.log.warn({ provider }, `the provider is away: ${message}`);
    this.#forget();
  }

  async #close(provider: string): Promise<void> {
    await this.database.tx(async (tx) => {
      const was = await this.repo.close(tx, provider);
      if (!was) return;
      const data = {
        provider,
        since: was.since.toISOString(),
        restored_at: was.restoredAt.toISOString(),
      };
      await this.bus.publish(tx, event(providerRestored, data, { about: `provider/${provider}` }));
    });
    this.log.info({ provider }, 'the provider is back');
    this.#forget();
  }

  #forget(): void {
    this.#readAtMs = Number.NEGATIVE_INFINITY;
  }

  /** What is known, read anew when it is old. Without a database it is what it was. */
  async #fresh(): Promise<ReadonlyMap<string, Known>> {
    if (performance.now() - this.#readAtMs >= FRESH_MS)
      await (this.#reading ??= this.#read().finally(() => (this.#reading = undefined)));
    return this.#known;
  }

  async #read(): Promise<void> {
    const nowMs = performance.now();
    try {
      const rows = await this.repo.all(this.database);
      this.#known = new Map(rows.map((row) => [row.provider, { ...row, probeAtMs: nowMs + row.probeInMs }]));
      this.#readAtMs = nowMs;
    } catch (error) {
      this.log.warn({ err: error }, 'could not read which providers are away');
    }
  }
}

/** Spread, so that those who wait do not come all at once. */
function awayFor(provider: string, purpose: Purpose, ms: number): Later {
  const waitMs = purpose === 'dispatch' ? Math.min(ms, DISPATCH_WAIT_MS) : ms;
  return new Later(`${provider} is away`, waitMs * (1 + Math.random() * 0.2), true);
}
