import { Injectable } from '@nestjs/common';
import { Metrics } from '@lineclear/kit';
import { Counter, Histogram } from 'prom-client';
import type { Run } from '../domain/run.js';
import { ProviderFailure, Unsettled, type Adapter } from '../adapters/adapter.js';
import { AccountRates } from './account-rates.js';
import { Breakers } from './breakers.js';
import { Credentials } from './credentials.js';
import { Later } from './later.js';

type CallName = 'submit' | 'find' | 'get' | 'list' | 'cancel' | 'logs' | 'release' | 'prices';

const DISPATCH: ReadonlySet<CallName> = new Set(['submit', 'find', 'cancel']);

/** Every call to a provider passes here: while the provider is not away, within its account's rate, counted and timed. */
@Injectable()
export class ProviderCalls {
  readonly #count: Counter<'provider' | 'call' | 'outcome'>;
  readonly #seconds: Histogram<'provider' | 'call'>;
  readonly #delay: Histogram<'provider'>;

  constructor(
    private readonly credentials: Credentials,
    private readonly rates: AccountRates,
    private readonly breakers: Breakers,
    { registry }: Metrics,
  ) {
    const registers = [registry];
    this.#count = new Counter({
      name: 'lineclear_provider_calls_total',
      help: 'Calls to providers by outcome',
      labelNames: ['provider', 'call', 'outcome'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'lineclear_provider_call_seconds',
      help: 'Time that calls to providers take',
      labelNames: ['provider', 'call'],
      buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    });
    this.#delay = new Histogram({
      name: 'lineclear_dispatch_delay_seconds',
      help: 'Time from the arrival of a claim to the call that submits its run',
      labelNames: ['provider'],
      buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 1, 5, 30, 120, 600],
      registers,
    });
  }

  /**
   * Makes a call for a run, on the account that the run is on. @throws Later when it may not be made now: nobody was called
   * then; ProviderFailure as the call does
   */
  async make<T>(adapter: Adapter, run: Pick<Run, 'id'>, call: CallName, fn: () => Promise<T>): Promise<T> {
    return this.makeOn(adapter, this.credentials.accountOf(adapter, run), call, fn);
  }

  /** The same for a call that is for no run; null for an account that is not known. */
  async makeOn<T>(
    adapter: Adapter,
    account: string | null,
    call: CallName,
    fn: () => Promise<T>,
  ): Promise<T> {
    const { rate } = adapter.capabilities;
    const isLimited = rate !== undefined && account !== null;
    const purpose = DISPATCH.has(call) ? 'dispatch' : 'look';
    const admitted = await this.breakers.admit(adapter.name, purpose);
    if (isLimited) await this.rates.take(account, rate, purpose);
    if (admitted === 'probe') await this.breakers.probe(adapter.name, purpose);
    try {
      const result = await this.#timed(adapter, call, fn);
      await this.breakers.called(adapter.name, true);
      return result;
    } catch (error) {
      if (error instanceof ProviderFailure) await this.breakers.called(adapter.name, isAnswer(error));
      if (isLimited && error instanceof ProviderFailure && error.kind === 'busy')
        await this.rates.empty(account, rate, error.retryAfterMs);
      throw error;
    }
  }

  /** Waits until an account may be asked for one more page of a list. @throws Later when that takes too long */
  async nextPage(adapter: Adapter, account: string | null): Promise<void> {
    const { rate } = adapter.capabilities;
    if (rate !== undefined && account !== null) await this.rates.wait(account, rate, 'look');
  }

  async #timed<T>(adapter: Adapter, call: CallName, fn: () => Promise<T>): Promise<T> {
    const stop = this.#seconds.startTimer({ provider: adapter.name, call });
    let outcome = 'error';
    try {
      const result = await fn();
      outcome = 'ok';
      return result;
    } catch (error) {
      if (error instanceof ProviderFailure) outcome = error.kind;
      if (error instanceof Later) outcome = 'later';
      throw error;
    } finally {
      stop();
      this.#count.inc({ provider: adapter.name, call, outcome });
    }
  }

  dispatched(provider: string, seconds: number): void {
    this.#delay.observe({ provider }, Math.max(0, seconds));
  }
}

const isAnswer = (failure: ProviderFailure): boolean =>
  failure instanceof Unsettled || (failure.kind !== 'unknown' && failure.kind !== 'not sent');
