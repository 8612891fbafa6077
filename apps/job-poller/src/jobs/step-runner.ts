import { randomUUID } from 'node:crypto';
import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { CONFIG, Database, LOGGER, type Logger } from '@lineclear/kit';
import type { Config } from '../config.js';
import { RunsRepo, type Lease } from '../db/runs.repo.js';
import type { ClaimedRun } from '../domain/run.js';
import { Providers } from '../providers/providers.js';
import { StoreResults } from './store-results.js';
import { TakeStep } from './take-step.js';

const MAX_TAKEN = 256;
const BATCH = 64;
// Without any wake-up (no commit here, no tick from the queue) due steps are still looked for this often.
const IDLE_MS = 5_000;
const RETRY_MS = 500;
const STOP_MS = 4_000;

/** A lease that begins now. */
interface Reserved extends Lease {
  readonly sinceMs: number;
}
interface Taken {
  readonly run: ClaimedRun;
  /** Not later than when its taking was written. */
  readonly sinceMs: number;
}

/**
 * Takes runs whose step is due from Postgres, in batches and on lease, and has the steps done side by side. It is woken after
 * commits of this process, when a step that it knows of falls due, and by the queue's tick.
 */
@Injectable()
export class StepRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #lease: Lease;
  readonly #taken = new Map<string, Taken>();
  readonly #underWay = new Set<Promise<void>>();
  #running: Promise<void> | undefined;
  #renewing: NodeJS.Timeout | undefined;
  #dueTimer: { atMs: number; timer: NodeJS.Timeout } | undefined;
  #woken = false;
  /** Not everything that was due may have been taken: a step that ends makes room for more. */
  #limited = false;
  #wakeUp: (() => void) | undefined;
  #stopped = false;

  constructor(
    private readonly database: Database,
    private readonly runs: RunsRepo,
    private readonly steps: TakeStep,
    private readonly results: StoreResults,
    private readonly providers: Providers,
    @Inject(CONFIG) config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    this.#lease = { owner: randomUUID(), ms: config.LINECLEAR_LEASE_SECONDS * 1_000 };
  }

  onApplicationBootstrap(): void {
    this.#renewing = setInterval(() => void this.#renew(), this.#lease.ms / 3);
    this.#running = this.#run();
  }

  /** Something may be due. */
  wake(): void {
    this.#woken = true;
    this.#wakeUp?.();
  }

  /** What new runs of these providers may be written with so that their first steps are ours, if there is room for all of them now. */
  reserve(providers: readonly string[]): Reserved | undefined {
    const busy = new Set(this.#busyProviders());
    if (
      this.#stopped ||
      this.#taken.size + providers.length > MAX_TAKEN ||
      providers.some((name) => busy.has(name))
    )
      return undefined;
    return { ...this.#lease, sinceMs: performance.now() };
  }

  /** Has the first steps done of runs that were written with `reserve`. */
  begin(runs: readonly ClaimedRun[], { sinceMs }: Reserved): void {
    for (const run of runs) this.#begin({ run, sinceMs });
  }

  /** Begins nothing new, and gives what runs a while to end; what does not is taken over when its lease has run out. */
  async beforeApplicationShutdown(): Promise<void> {
    this.#stopped = true;
    this.wake();
    clearTimeout(this.#dueTimer?.timer);
    await this.#running;
    const late = new Promise((resolve) => setTimeout(resolve, STOP_MS).unref());
    await Promise.race([Promise.all(this.#underWay), late]);
    clearInterval(this.#renewing);
    this.results.stop();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        while (!this.#stopped && (await this.#takeBatch()));
        await this.#pause(IDLE_MS);
      } catch (error) {
        this.log.warn({ err: error }, 'due steps could not be taken; trying again');
        await this.#pause(RETRY_MS, false);
      }
    }
  }

  /** Takes one batch; true when there may be more to take right away. */
  async #takeBatch(): Promise<boolean> {
    this.#woken = false;
    const room = Math.min(BATCH, MAX_TAKEN - this.#taken.size);
    const busy = this.#busyProviders();
    this.#limited = room < BATCH || busy.length > 0;
    if (room < BATCH / 4) return false;
    const sinceMs = performance.now();
    const taken = await this.runs.takeDue(this.database, room, this.#lease, busy);
    for (const run of taken) this.#begin({ run, sinceMs });
    return taken.length === room || this.#woken;
  }

  /** A provider whose calls hang must not keep the runs of others from being taken. */
  #busyProviders(): string[] {
    const counts = new Map<string, number>();
    for (const { run } of this.#taken.values()) counts.set(run.provider, (counts.get(run.provider) ?? 0) + 1);
    return [...counts]
      .filter(([name, count]) => count >= (this.providers.get(name)?.capabilities.maxCalls ?? BATCH))
      .map(([name]) => name);
  }

  #begin(taken: Taken): void {
    this.#taken.set(taken.run.id, taken);
    const step = this.#step(taken).finally(() => {
      this.#underWay.delete(step);
      if (this.#taken.get(taken.run.id) === taken) this.#taken.delete(taken.run.id);
      if (this.#limited) this.wake();
    });
    this.#underWay.add(step);
  }

  async #step(taken: Taken): Promise<void> {
    // By its age, whatever was renewed since: from the intent on others count how long a call may still be on its way.
    const isStillOurs = (): boolean =>
      !this.#stopped && performance.now() < taken.sinceMs + this.#lease.ms / 2;
    const result = await this.steps.take(taken.run, isStillOurs);
    await this.results.store(result, this.#lease.owner);
    if (result.run.state !== 'ended') this.#dueIn(result.nextInMs);
  }

  async #renew(): Promise<void> {
    const ids = [...this.#taken.keys()];
    if (ids.length === 0) return;
    try {
      await this.runs.renew(this.database, ids, this.#lease);
    } catch (error) {
      this.log.warn({ err: error }, 'leases could not be renewed');
    }
  }

  /** Remembers the earliest step that is known to fall due. Others, of other replicas, come with the tick. */
  #dueIn(ms: number): void {
    const atMs = performance.now() + ms;
    if (this.#stopped || (this.#dueTimer && this.#dueTimer.atMs <= atMs)) return;
    clearTimeout(this.#dueTimer?.timer);
    const timer = setTimeout(() => {
      this.#dueTimer = undefined;
      this.wake();
    }, ms);
    this.#dueTimer = { atMs, timer };
  }

  async #pause(ms: number, wakeable = true): Promise<void> {
    if (this.#stopped || (wakeable && this.#woken)) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wakeUp = () => {
        if (!wakeable && !this.#stopped) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wakeUp = undefined;
  }
}
