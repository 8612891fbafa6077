import { randomUUID } from 'node:crypto';
import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { audited, nothingChanged } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Database, NotAuthenticated, Refused, type Tx } from '@lineclear/kit';
import type { GivenFile, GivenSecret } from '../adapters/adapter.js';
import { RunsRepo } from '../db/runs.repo.js';
import { WorkersRepo, type Worker } from '../db/workers.repo.js';
import { WorkerTasksRepo, type HandedTask } from '../db/worker-tasks.repo.js';
import { mayTake } from '../domain/worker.js';
import type { WorkerTask } from '../domain/worker-task.js';
import { Credentials, MissingSecrets } from '../providers/credentials.js';
import { givenTo } from '../providers/given.js';
import { TaskArrivals } from './task-arrivals.js';
import { TaskEnds } from './task-ends.js';

const PAGE = 50;
// Other replicas have new tasks too, and cannot wake those who wait at this one.
const LOOK_MS = 1_000;

/** A task with what its run is given of its secrets. */
export interface GivenTask {
  readonly task: HandedTask;
  readonly leaseId: string;
  readonly env: ReadonlyMap<string, GivenSecret>;
  readonly files: readonly GivenFile[];
}

/** Hands tasks to the workers that ask for one, the oldest first of those that a worker may have. */
@Injectable()
export class GiveTask implements BeforeApplicationShutdown {
  readonly #stop = new AbortController();

  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly workers: WorkersRepo,
    private readonly tasks: WorkerTasksRepo,
    private readonly runs: RunsRepo,
    private readonly ends: TaskEnds,
    private readonly credentials: Credentials,
    private readonly arrivals: TaskArrivals,
  ) {}

  beforeApplicationShutdown(): void {
    this.#stop.abort();
  }

  /** Waits for a task; null when none came in time. `held` are the leases that the worker knows of. */
  async next(
    worker: Worker,
    held: readonly string[],
    waitMs: number,
    gone: AbortSignal,
  ): Promise<GivenTask | null> {
    const signal = AbortSignal.any([gone, this.#stop.signal]);
    const endsAtMs = performance.now() + waitMs;
    for (;;) {
      const leaseId = randomUUID();
      const task = signal.aborted ? undefined : await this.#take(worker, held, leaseId);
      const given = task && (await this.#withSecrets(task, leaseId));
      if (given) return given;
      const leftMs = endsAtMs - performance.now();
      if (signal.aborted || leftMs <= 0) break;
      if (!task) await this.arrivals.more(worker.provider, Math.min(LOOK_MS, leftMs), signal);
    }
    nothingChanged();
    return null;
  }

  /** One at a time for each worker, so that it never has more than it can run. */
  async #take(
    { id, tokenSha256 }: Worker,
    held: readonly string[],
    leaseId: string,
  ): Promise<HandedTask | undefined> {
    return this.database.tx(async (tx) => {
      const worker = await this.workers.lock(tx, id);
      if (!worker) return undefined;
      // Since it began to wait it was given another.
      if (worker.tokenSha256 !== tokenSha256) throw new NotAuthenticated('the token is not valid any more');
      const mine = await this.tasks.heldBy(tx, id);
      // It was handed out before, and the answer did not arrive.
      const lost = mine.find(
        ({ state, leaseId: lease }) => state === 'taken' && lease !== null && !held.includes(lease),
      );
      const isFull = worker.isDraining || mine.length >= worker.slots;
      const task = lost
        ? await this.tasks.takeAgain(tx, lost.runKey, id, leaseId)
        : isFull
          ? undefined
          : await this.#oldestFor(tx, worker, leaseId);
      if (task)
        await this.bus.publish(
          tx,
          audited('worker.task_taken', {
            target: `job/${task.jobId}`,
            details: { worker: worker.name, attempt: task.attempt },
          }),
        );
      return task;
    });
  }

  async #oldestFor(tx: Tx, worker: Worker, leaseId: string): Promise<HandedTask | undefined> {
    const offer = { hardware: worker.hardware, labels: { ...worker.ownLabels, ...worker.labels } };
    let page: WorkerTask[];
    let offset = 0;
    do {
      page = await this.tasks.waiting(tx, worker.provider, PAGE, offset);
      for (const { runKey, hardware, labels } of page) {
        if (!mayTake(offer, { hardware, labels })) continue;
        const task = await this.tasks.take(tx, runKey, worker.id, leaseId);
        if (task) return task;
      }
      offset += PAGE;
    } while (page.length === PAGE);
    return undefined;
  }

  /** The values are asked for now and are nowhere but in the answer. Undefined where the task has ended for want of them. */
  async #withSecrets(task: HandedTask, leaseId: string): Promise<GivenTask | undefined> {
    const { jobId, attempt, runKey } = task;
    try {
      const run = await this.runs.find(this.database, jobId, attempt);
      if (!run) throw new MissingSecrets([]);
      return { task, leaseId, ...givenTo(run, await this.credentials.ofRun(run, true)) };
    } catch (error) {
      if (!(error instanceof MissingSecrets || error instanceof Refused)) {
        await this.tasks.handBack(this.database, runKey, leaseId);
        throw error;
      }
      await this.ends.end(task, leaseId, { state: 'failed', exitCode: null, message: error.message });
      return undefined;
    }
  }
}
