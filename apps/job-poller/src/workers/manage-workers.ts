import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { audited, hashToken, nothingChanged } from '@lineclear/access';
import { Bus, newEventId } from '@lineclear/bus';
import { BadInput, CONFIG, Conflict, Database, NotFound, Secret, type Tx } from '@lineclear/kit';
import { AgentsAdapter } from '../adapters/agents.js';
import type { Config } from '../config.js';
import { WorkersRepo, type Introduction, type NewWorker, type Worker } from '../db/workers.repo.js';
import { WorkerTasksRepo } from '../db/worker-tasks.repo.js';
import { workerState, type WorkerState } from '../domain/worker.js';
import { Providers } from '../providers/providers.js';
import { TaskArrivals } from './task-arrivals.js';

const TOKEN_BYTES = 32;

export interface KnownWorker extends Worker {
  readonly jobs: readonly string[];
  readonly state: WorkerState;
}

/** Who may come for jobs. A worker's token is shown when it is made, and never again. */
@Injectable()
export class ManageWorkers {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly workers: WorkersRepo,
    private readonly tasks: WorkerTasksRepo,
    private readonly providers: Providers,
    private readonly arrivals: TaskArrivals,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** All of them in the order of their names, each with the jobs that it has, and how it is. */
  async all(): Promise<KnownWorker[]> {
    const offlineAfterMs = this.config.LINECLEAR_WORKER_OFFLINE_SECONDS * 1_000;
    return (await this.workers.all(this.database)).map((worker) => ({
      ...worker,
      state: workerState({ ...worker, tasks: worker.jobs.length }, offlineAfterMs),
    }));
  }

  async create(said: Omit<NewWorker, 'id' | 'tokenSha256'>): Promise<{ id: string; token: Secret }> {
    if (!(this.providers.get(said.provider) instanceof AgentsAdapter))
      throw BadInput.at('provider', 'is no provider of the type agents');
    const { token, tokenSha256 } = newToken();
    const id = newEventId();
    await this.database.tx(async (tx) => {
      if (!(await this.workers.insert(tx, { ...said, id, tokenSha256 })))
        throw new Conflict(`there is a worker ${JSON.stringify(said.name)} already`);
      const { name, provider, hardware, labels } = said;
      const details = { name, provider, hardware, labels: JSON.stringify(labels) };
      await this.bus.publish(tx, audited('worker.created', { target: `worker/${id}`, details }));
    });
    return { id, token };
  }

  /** The token that it had is nobody's from now on. */
  async newTokenOf(id: string): Promise<Secret> {
    const { token, tokenSha256 } = newToken();
    await this.#change(id, 'worker.token_rotated', async (tx, { provider }) => {
      await this.workers.setToken(tx, id, tokenSha256);
      // Whoever waits with the old one hears of it now.
      tx.afterCommit(() => this.arrivals.wake(provider));
      return {};
    });
    return token;
  }

  async setDraining(id: string, isDraining: boolean): Promise<void> {
    await this.#change(id, isDraining ? 'worker.draining' : 'worker.resumed', async (tx, worker) => {
      if (worker.isDraining === isDraining) return undefined;
      await this.workers.setDraining(tx, id, isDraining);
      if (!isDraining) tx.afterCommit(() => this.arrivals.wake(worker.provider));
      return {};
    });
  }

  /** @throws Conflict where it has a task, unless it is forced: then what runs is lost, and what has not begun waits for another */
  async remove(id: string, isForced: boolean): Promise<void> {
    await this.#change(id, 'worker.removed', async (tx) => {
      const held = await this.tasks.heldBy(tx, id);
      if (held.length > 0 && !isForced)
        throw new Conflict(
          `the worker has ${held.map(({ jobId }) => jobId).join(', ')}: drain it, or force it`,
        );
      await this.tasks.endOf(tx, id);
      await this.workers.remove(tx, id);
      return { jobs: held.map(({ jobId }) => jobId) };
    });
  }

  /** What it says of itself when it begins. */
  async introduce({ id }: Worker, said: Introduction): Promise<void> {
    await this.#change(id, 'worker.registered', async (tx) => {
      await this.workers.introduce(tx, id, said);
      await this.tasks.endUnknown(tx, id, said.held);
      const { version, slots, ownLabels } = said;
      return { version, slots, labels: JSON.stringify(ownLabels) };
    });
  }

  /** Changes a worker that nobody else changes meanwhile; what changes it answers with what to tell of it, or that there is nothing. */
  async #change(
    id: string,
    action: string,
    change: (tx: Tx, worker: Worker) => Promise<NonNullable<Parameters<typeof audited>[1]>['details']>,
  ): Promise<void> {
    await this.database.tx(async (tx) => {
      const worker = await this.workers.lock(tx, id);
      if (!worker) throw new NotFound('worker', id);
      const details = await change(tx, worker);
      if (!details) return nothingChanged();
      const entry = audited(action, { target: `worker/${id}`, details: { name: worker.name, ...details } });
      await this.bus.publish(tx, entry);
    });
  }
}

function newToken(): { token: Secret; tokenSha256: string } {
  const token = `wt_${randomBytes(TOKEN_BYTES).toString('base64url')}`;
  return { token: new Secret(token), tokenSha256: hashToken(token) };
}
