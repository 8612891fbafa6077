import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Reach } from '@lineclear/access';
import { Clock, Database, LOGGER, type Logger } from '@lineclear/kit';
import * as etas from '../db/etas.repo.js';
import * as snapshots from '../db/snapshot.repo.js';
import { Calibration } from '../domain/calibration.js';
import { etaOf, type Eta } from '../domain/eta.js';
import { simulate, type Simulated, type Step } from '../domain/simulate.js';
import { sceneOf, type QueuedNow, type Scene, type Snapshot } from '../domain/snapshot.js';

/** So old may be what is told: many people ask at once, and a look ahead is work. Where it takes long, so many times as long. */
const FRESH_MS = 2_000;
const FRESH_TIMES = 4;
const CALIBRATION_MS = 60_000;
/** So long at a stretch it keeps others in this process waiting, claims among them, and then it waits itself. */
const SLICE_MS = 5;
const PAUSE_MS = 10;

const MAX_TOLD = 10_000;

/** When which job starts, as far as it is known at one moment. */
export class Forecast {
  readonly #queued: ReadonlyMap<string, QueuedNow>;

  constructor(
    readonly snapshot: Snapshot,
    readonly calibration: Calibration,
    readonly scene: Scene,
    readonly likely: Simulated,
    readonly late: Simulated,
  ) {
    this.#queued = new Map(snapshot.queued.map((job) => [job.id, job]));
  }

  /** Whether it says something of a job that is in the queue now, be it that the job is too far back. */
  knows(jobId: string): boolean {
    return this.#queued.has(jobId) || this.snapshot.isCut;
  }

  eta(jobId: string): Eta {
    if (this.#queued.has(jobId)) return etaOf(jobId, this.likely, this.late);
    return { position: null, p50Ms: null, p90Ms: null, beyond: 'unread' };
  }

  /** The first jobs to start of those that somebody sees, in their order. */
  first({ userId, orgId }: Reach, atMost: number): string[] {
    const seen: string[] = [];
    for (const id of this.likely.starts.keys()) {
      if (seen.length >= atMost) break;
      const job = this.#queued.get(id);
      if (userId !== undefined && job?.userId !== userId) continue;
      if (orgId !== undefined && job?.orgId !== orgId) continue;
      seen.push(id);
    }
    return seen;
  }
}

/** Looks ahead in the queue: one look at a time in this process, and all who ask meanwhile get what it finds. */
@Injectable()
export class Forecasts {
  #last: Forecast | undefined;
  #freshUntilMs = 0;
  #next: Promise<Forecast> | undefined;
  #calibration: { readonly value: Calibration; readonly untilMs: number } | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #told = new Set<string>();

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** One that is two seconds old at most, and knows of these jobs, which are in the queue. */
  async current(jobIds: readonly string[] = []): Promise<Forecast> {
    const knows = (forecast: Forecast): boolean => jobIds.every((id) => forecast.knows(id));
    const last = this.#last;
    if (last && this.clock.now().getTime() < this.#freshUntilMs && knows(last)) return last;
    const next = await this.#once();
    // It may have been under way when they were queued.
    return knows(next) ? next : this.#once();
  }

  async #once(): Promise<Forecast> {
    this.#next ??= this.#make().finally(() => (this.#next = undefined));
    return this.#next;
  }

  /** Goes through what would happen; `see` is shown each start, and may say that it has seen enough. */
  async run(scene: Scene, see: (step: Step) => boolean = () => false): Promise<Simulated | undefined> {
    const turn = this.#turn.then(() => this.#run(scene, see));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** Keeps what is told of a job, to be compared with what happens. Nobody waits for it. */
  tell(jobId: string, { p50Ms, p90Ms }: Eta): void {
    if (p50Ms === null || p90Ms === null || this.#told.has(jobId)) return;
    if (this.#told.size >= MAX_TOLD) this.#told.clear();
    this.#told.add(jobId);
    const said = { given: this.clock.now(), p50: new Date(p50Ms), p90: new Date(p90Ms) };
    etas
      .keep(this.database, jobId, said)
      .catch((error: unknown) => this.log.warn({ err: error }, 'what was said of a start is not kept'));
  }

  async #make(): Promise<Forecast> {
    const calibration = await this.#calibrated();
    const snapshot = await snapshots.read(this.database, this.clock.now());
    const scene = sceneOf(snapshot, calibration, 'p50');
    const likely = await this.run(scene);
    const late = await this.run(sceneOf(snapshot, calibration, 'p90'));
    if (!likely || !late) throw new Error('a look ahead was ended by nobody');
    const tookMs = this.clock.now().getTime() - snapshot.atMs;
    this.#freshUntilMs = snapshot.atMs + Math.max(FRESH_MS, tookMs * FRESH_TIMES);
    this.#last = new Forecast(snapshot, calibration, scene, likely, late);
    return this.#last;
  }

  async #run(scene: Scene, see: (step: Step) => boolean): Promise<Simulated | undefined> {
    const steps = simulate(scene);
    let since = performance.now();
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      if (see(value)) return undefined;
      if (performance.now() - since < SLICE_MS) continue;
      await pause(PAUSE_MS);
      since = performance.now();
    }
  }

  async #calibrated(): Promise<Calibration> {
    const nowMs = this.clock.now().getTime();
    if (!this.#calibration || this.#calibration.untilMs <= nowMs) {
      const value = new Calibration(await etas.measured(this.database));
      this.#calibration = { value, untilMs: nowMs + CALIBRATION_MS };
    }
    return this.#calibration.value;
  }
}
