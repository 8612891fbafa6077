import { randomUUID } from 'node:crypto';
import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { CONFIG, Database, LOGGER, type Logger } from '@lineclear/kit';
import type { Config } from '../config.js';
import type { Lease } from '../db/runs.repo.js';
import { SweepsRepo, type TakenSweep } from '../db/sweeps.repo.js';
import { Providers } from '../providers/providers.js';
import { StepRunner } from './step-runner.js';
import { SweepAccount } from './sweep-account.js';

const BATCH = 8;
const MAX_TAKEN = 32;
// A provider that hangs must not keep the accounts of others from being swept.
const MAX_OF_ONE = 8;
const STOP_MS = 4_000;

/**
 * Takes accounts that are due from Postgres, on lease, and has them swept side by side. It is woken by the queue's tick and when
 * a sweep that it knows of falls due. Of several replicas one sweeps an account.
 */
@Injectable()
export class SweepRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #lease: Lease;
  readonly #taken = new Map<string, TakenSweep>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #taking: Promise<void> | undefined;
  #renewing: NodeJS.Timeout | undefined;
  #woken = false;
  #stopped = false;

  constructor(
    private readonly database: Database,
    private readonly sweeps: SweepsRepo,
    private readonly account: SweepAccount,
    private readonly providers: Providers,
    private readonly steps: StepRunner,
    @Inject(CONFIG) config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    this.#lease = { owner: randomUUID(), ms: config.LINECLEAR_LEASE_SECONDS * 1_000 };
  }

  onApplicationBootstrap(): void {
    this.#renewing = setInterval(() => void this.#renew(), this.#lease.ms / 3);
    this.wake();
  }

  /** Something may be due. */
  wake(): void {
    this.#woken = true;
    if (!this.#stopped) this.#taking ??= this.#take().finally(() => (this.#taking = undefined));
  }

  /** Begins nothing new, and gives what runs a while to end; what does not is taken over when its lease has run out. */
  async beforeApplicationShutdown(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#taking;
    const late = new Promise((resolve) => setTimeout(resolve, STOP_MS).unref());
    await Promise.race([Promise.all(this.#underWay), late]);
    clearInterval(this.#renewing);
  }

  async #take(): Promise<void> {
    try {
      while (this.#woken && !this.#stopped) {
        this.#woken = false;
        const providers = this.#freeProviders();
        const room = Math.min(BATCH, MAX_TAKEN - this.#taken.size);
        if (room === 0 || providers.length === 0) return;
        const taken = await this.sweeps.takeDue(this.database, room, this.#lease, providers);
        for (const sweep of taken) this.#begin(sweep);
        this.#woken ||= taken.length === room;
      }
    } catch (error) {
      this.log.warn({ err: error }, 'accounts that are due could not be taken; the next tick tries again');
    }
  }

  #freeProviders(): string[] {
    const taken = [...this.#taken.values()];
    return this.providers
      .listing()
      .filter((name) => taken.filter(({ provider }) => provider === name).length < MAX_OF_ONE);
  }

  #begin(taken: TakenSweep): void {
    this.#taken.set(taken.account, taken);
    const sweep = this.#sweep(taken).finally(() => {
      this.#underWay.delete(sweep);
      this.#taken.delete(taken.account);
    });
    this.#underWay.add(sweep);
  }

  /** Never throws: an account whose sweep fails by a mistake of ours, or for want of the database, is taken again when its lease is over. */
  async #sweep(taken: TakenSweep): Promise<void> {
    try {
      const { nextInMs, hinted } = await this.account.sweep(taken, this.#lease);
      if (hinted) this.steps.wake();
      if (nextInMs !== undefined) this.#dueIn(nextInMs);
    } catch (error) {
      this.log.error({ err: error, provider: taken.provider }, 'the sweep of an account failed');
    }
  }

  #dueIn(ms: number): void {
    if (this.#stopped) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.wake();
    }, ms);
    this.#timers.add(timer);
  }

  async #renew(): Promise<void> {
    const accounts = [...this.#taken.keys()];
    if (accounts.length === 0) return;
    try {
      await this.sweeps.renew(this.database, accounts, this.#lease);
    } catch (error) {
      this.log.warn({ err: error }, 'leases of accounts could not be renewed');
    }
  }
}
