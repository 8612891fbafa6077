import { agentsConfig } from '@lineclear/contracts';
import type { Queryable } from '@lineclear/kit';
import type { WorkerLogsRepo } from '../db/worker-logs.repo.js';
import type { SeenTask, WorkerTasksRepo } from '../db/worker-tasks.repo.js';
import type { RemoteState } from '../domain/run.js';
import type { TaskState } from '../domain/worker-task.js';
import {
  ProviderFailure,
  type Adapter,
  type Capabilities,
  type LogPart,
  type Observation,
  type Submission,
} from './adapter.js';
import { configOf } from './job-config.js';
import { refuseBadVariables } from './local.js';

const LOG_PARTS = 8;
// A line that is longer is handed on in pieces.
const MAX_LINE = 64_000;

/** What the tasks of workers are kept in, and who is told of new ones. */
export interface TaskStore {
  readonly database: Queryable;
  readonly tasks: WorkerTasksRepo;
  readonly logs: WorkerLogsRepo;
  readonly arrived: (provider: string) => void;
  /** After how long without a word from its worker nothing is known of a run. */
  readonly offlineAfterMs: number;
}

const STATES: Readonly<Record<TaskState, RemoteState>> = {
  waiting: 'submitted',
  taken: 'starting',
  running: 'running',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'cancelled',
  timed_out: 'timed_out',
  lost: 'lost',
};

/**
 * Machines that come for their runs themselves. Nobody is called: a run is a task in our own tables until a worker takes it, and
 * what is seen of it is what its worker said. The secrets that a run is given are not in there; a worker gets them when it takes the task.
 */
export class AgentsAdapter implements Adapter {
  readonly authSecret = undefined;
  readonly capabilities: Capabilities = {
    cancel: true,
    logs: true,
    files: true,
    cancelAgainMs: 30_000,
    poll: { baseMs: 1_000, maxMs: 5_000 },
    logsEveryMs: 0,
    maxCalls: 32,
  };

  constructor(
    readonly name: string,
    private readonly store: TaskStore,
  ) {}

  async submit(submission: Submission): Promise<{ externalId: string }> {
    const { runKey, jobId, attempt, hardware, maxRuntimeSeconds, outputPath, checkpointPath } = submission;
    const config = configOf(agentsConfig, submission);
    refuseBadVariables(submission);
    const { labels } = config;
    const about = { runKey, provider: this.name, jobId, attempt, hardware, labels };
    await this.#asked(({ tasks, database }) =>
      tasks.insert(database, { ...about, config, maxRuntimeSeconds, outputPath, checkpointPath }),
    );
    this.store.arrived(this.name);
    return { externalId: runKey };
  }

  async find(runKey: string): Promise<{ externalId: string } | null> {
    return (await this.#find([runKey])).length > 0 ? { externalId: runKey } : null;
  }

  /** A run whose worker is away is not in the answer, as nobody knows how it is: it is lost unless the worker comes back in time. */
  async get(externalIds: readonly string[]): Promise<ReadonlyMap<string, Observation>> {
    const found = await this.#find(externalIds);
    return new Map(
      found
        .filter(({ state, isOrphaned }) => !(state === 'running' && isOrphaned))
        .map((task) => [task.runKey, observationOf(task)]),
    );
  }

  async cancel(externalId: string): Promise<void> {
    await this.#asked(({ tasks, database }) => tasks.stop(database, this.name, externalId));
  }

  async logs(externalId: string, cursor: string | null, isOver: boolean): Promise<LogPart> {
    const from = Number(cursor ?? 0);
    const { parts, hidden } = await this.#asked(({ logs, database }) =>
      logs.read(database, externalId, from, LOG_PARTS),
    );
    const [first] = parts;
    const all = parts
      .map(({ text }) => text)
      .join('')
      .slice(first === undefined ? 0 : from - first.beginsAt);
    const isFull = parts.length === LOG_PARTS;
    const lines = Math.max(all.lastIndexOf('\n'), all.lastIndexOf('\r')) + 1;
    // What has no line end yet waits for it, but not for ever.
    const text = isOver || (lines === 0 && (isFull || all.length > MAX_LINE)) ? all : all.slice(0, lines);
    return {
      text,
      cursorAt: (taken) => String(from + taken),
      more: isFull,
      hidden,
    };
  }

  async close(): Promise<void> {}

  #find(runKeys: readonly string[]): Promise<SeenTask[]> {
    return this.#asked(({ tasks, database, offlineAfterMs }) =>
      tasks.find(database, this.name, runKeys, offlineAfterMs),
    );
  }

  async #asked<T>(question: (store: TaskStore) => Promise<T>): Promise<T> {
    try {
      return await question(this.store);
    } catch (cause) {
      throw new ProviderFailure('unknown', 'the tasks of workers could not be asked for', undefined, {
        cause,
      });
    }
  }
}

const observationOf = ({ state, message, exitCode, endedAt }: SeenTask): Observation => ({
  state: STATES[state],
  word: state,
  ...(message === null ? {} : { message }),
  ...(exitCode === null ? {} : { exitCode }),
  ...(endedAt === null ? {} : { endedAt }),
});
