import { Injectable } from '@nestjs/common';
import { BadInput, Conflict, Database, NotFound } from '@lineclear/kit';
import { RunsRepo } from '../db/runs.repo.js';
import { WorkerLogsRepo } from '../db/worker-logs.repo.js';
import { WorkersRepo, type Worker } from '../db/workers.repo.js';
import { WorkerTasksRepo, type SeenTask, type TaskEnd } from '../db/worker-tasks.repo.js';
import { storable } from '../domain/storable.js';
import { isHeld, verdictOn, type WorkerTask } from '../domain/worker-task.js';
import { Credentials, MissingSecrets } from '../providers/credentials.js';
import { Providers } from '../providers/providers.js';
import { TaskArrivals } from './task-arrivals.js';
import { TaskEnds } from './task-ends.js';

/** A part of output is not longer. */
export const MAX_LOG_CHARS = 64_000;
/** So much of a task's output may wait to be read; its worker keeps the rest. */
const MAX_KEPT_CHARS = 4_000_000;

export interface HeldTask {
  readonly id: string;
  readonly leaseId: string;
}

export interface SentLog {
  /** How much of the output was taken before. */
  readonly at: number;
  readonly text: string;
  readonly isFinal: boolean;
  /** Names of secrets whose values its worker took out of it. */
  readonly hidden: readonly string[];
}

/** What workers say of the tasks that they have. Nothing counts without the lease of the last handing out. */
@Injectable()
export class TaskReports {
  constructor(
    private readonly database: Database,
    private readonly workers: WorkersRepo,
    private readonly tasks: WorkerTasksRepo,
    private readonly logs: WorkerLogsRepo,
    private readonly runs: RunsRepo,
    private readonly ends: TaskEnds,
    private readonly credentials: Credentials,
    private readonly providers: Providers,
    private readonly arrivals: TaskArrivals,
  ) {}

  /** Which of the tasks that a worker believes to have it is to stop, and which are not its own any more. */
  async heard(
    worker: Worker,
    believed: readonly HeldTask[],
    isDraining: boolean,
  ): Promise<{ stop: string[]; abandon: string[] }> {
    await this.workers.seen(this.database, worker.id, isDraining && believed.length === 0);
    const held = await this.tasks.heldBy(this.database, worker.id);
    if (isDraining) await this.#putBackUnknown(held, believed);
    const mine = new Map(held.map((one) => [one.runKey, one]));
    const told = believed.map(({ id, leaseId }) => ({ id, verdict: verdictOn(mine.get(id), leaseId) }));
    return {
      stop: told.filter(({ verdict }) => verdict === 'stop').map(({ id }) => id),
      abandon: told.filter(({ verdict }) => verdict === 'is not yours').map(({ id }) => id),
    };
  }

  /** What was handed to a worker in an answer that did not arrive, and that will not ask again. */
  async #putBackUnknown(held: readonly WorkerTask[], believed: readonly HeldTask[]): Promise<void> {
    const known = new Set(believed.map(({ leaseId }) => leaseId));
    for (const { runKey, leaseId, state, provider } of held) {
      if (state !== 'taken' || leaseId === null || known.has(leaseId)) continue;
      await this.tasks.putBack(this.database, runKey, leaseId);
      this.arrivals.wake(provider);
    }
  }

  async begins(worker: Worker, { id, leaseId }: HeldTask): Promise<void> {
    const task = await this.#mine(worker, id);
    if (!(await this.ends.begin(task, leaseId))) throw notYours(id);
  }

  /** It was not begun, and certainly will not be: another worker may have it. */
  async putBack(worker: Worker, { id, leaseId }: HeldTask): Promise<void> {
    const task = await this.#mine(worker, id);
    if (!(await this.tasks.putBack(this.database, id, leaseId))) throw notYours(id);
    this.arrivals.wake(task.provider);
  }

  /** Said twice it counts once: the first answer may have been lost. */
  async ended(worker: Worker, { id, leaseId }: HeldTask, how: TaskEnd): Promise<void> {
    const task = await this.#mine(worker, id);
    const message = how.message === null ? null : await this.#cleanMessage(task, how.message);
    if (await this.ends.end(task, leaseId, { ...how, message })) return;
    const { leaseId: last, state } = await this.#mine(worker, id);
    if (last !== leaseId || state !== how.state) throw notYours(id);
  }

  /**
   * Keeps output, without the values of the run's secrets. Gives back how much of the text was taken: its end may be the
   * beginning of a value, and comes again with what follows.
   */
  async output(
    worker: Worker,
    { id, leaseId }: HeldTask,
    sent: SentLog,
  ): Promise<{ taken: number; stop: boolean }> {
    const task = await this.#mine(worker, id);
    if (task.leaseId !== leaseId || !isHeld(task.state)) throw notYours(id);
    const stop = task.stopAskedAt !== null;
    const before = await this.logs.ends(this.database, id);
    const known = (before?.taken ?? 0) - sent.at;
    if (known < 0) throw BadInput.at('at', 'is behind the end of what was sent before');
    if (known >= sent.text.length) return { taken: sent.text.length, stop };
    const part = await this.#clean(task, storable(sent.text.slice(known)), sent.isFinal);
    const isKept = await this.database.tx(async (tx) => {
      const ends = await this.logs.lockEnds(tx, id);
      if (!ends || ends.leaseId !== leaseId || ends.taken !== before?.taken) return false;
      if (ends.kept > MAX_KEPT_CHARS) return false;
      await this.logs.append(tx, id, {
        beginsAt: ends.end,
        ...part,
        hidden: [...part.hidden, ...sent.hidden],
      });
      return true;
    });
    return { taken: isKept ? known + part.taken : known, stop };
  }

  async #clean(
    task: SeenTask,
    text: string,
    isFinal: boolean,
  ): Promise<{ text: string; taken: number; hidden: string[] }> {
    const cleaner = await this.#cleaner(task);
    // Without the values to look for nothing is kept; that it is withheld, the run's log says.
    if (!cleaner) return { text: '', taken: text.length, hidden: [] };
    const settled = cleaner.clean(text, !isFinal);
    const part = settled.taken === 0 && text.length >= MAX_LOG_CHARS ? cleaner.clean(text) : settled;
    return { text: part.text, taken: part.taken, hidden: part.hits.map(({ name }) => name) };
  }

  async #cleanMessage(task: SeenTask, message: string): Promise<string | null> {
    return (await this.#cleaner(task))?.clean(storable(message)).text ?? null;
  }

  async #cleaner({ jobId, attempt, provider }: SeenTask) {
    const run = await this.runs.find(this.database, jobId, attempt);
    const adapter = this.providers.get(provider);
    if (!run || !adapter) return undefined;
    try {
      return await this.credentials.cleaner(run, adapter, undefined);
    } catch (error) {
      if (error instanceof MissingSecrets) return undefined;
      throw error;
    }
  }

  /** Another worker's task is answered like one that is not there. */
  async #mine(worker: Worker, id: string): Promise<SeenTask> {
    const [task] = await this.tasks.find(this.database, worker.provider, [id], 0);
    if (!task || (task.workerId !== null && task.workerId !== worker.id)) throw new NotFound('task', id);
    return task;
  }
}

const notYours = (id: string): Conflict =>
  new Conflict(`the task ${id} is over, or was handed out anew: this lease does not count any more`);
