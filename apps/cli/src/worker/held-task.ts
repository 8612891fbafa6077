import { setTimeout as pause } from 'node:timers/promises';
import {
  CannotRun,
  forestall,
  lookAt,
  startRun,
  stopRun,
  type ProcessLook,
  type RunFolder,
  type Surroundings,
} from '@lineclear/processes';
import { backoffMs } from '../domain/backoff.js';
import { endReport } from '../domain/end-report.js';
import { SendOutput } from './send-output.js';
import type { TaskRecord, TaskRecords } from './task-records.js';
import { Refused, type Report, type Task, type WorkerApi } from './worker-api.js';

const LOOK_MS = 250;
// Many workers may come from one address, which is limited in how much it may ask.
const SEND_MS = 2_000;
const PARTS_AT_ONCE = 16;
const STARTING_MS = 10_000;
const NEVER_STARTED = { state: 'lost', word: 'lost', message: 'its command was never started' } as const;
// The server stops a run that has had its time. Where it cannot be reached, its worker does, a little later.
const OVERTIME_MS = 60_000;

export interface TaskTools {
  readonly api: WorkerApi;
  readonly records: TaskRecords;
  readonly around: Surroundings;
  readonly stopGraceMs: number;
  readonly now: () => number;
  readonly tell: (line: string) => void;
  /** This process is to end now: what the server could not be told, the next one tells. */
  readonly ending: AbortSignal;
}

/** One task, from its handing over until the server knows how it ended. */
export class HeldTask {
  #record: TaskRecord;
  readonly #folder: RunFolder;
  readonly #output: SendOutput;
  #isToStop = false;
  #isAbandoned = false;

  constructor(
    record: TaskRecord,
    private readonly tools: TaskTools,
  ) {
    this.#record = record;
    this.#folder = tools.records.folderOf(record);
    this.#output = new SendOutput(tools.api, this.#folder);
  }

  get record(): TaskRecord {
    return this.#record;
  }

  /** The server wants it to stop. */
  stop(): void {
    this.#isToStop = true;
  }

  /** It is not this worker's any more: it stops, and nothing is said of it. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  /** A task that was handed over now. Nothing is started before the server has said once more that it is ours. */
  async begin(task: Task): Promise<void> {
    await this.tools.records.write(this.#record);
    if ((await this.#say({ state: 'running' })) !== 'accepted') return this.#end();
    try {
      await startRun(this.#folder, orderOf(task), this.tools.around);
    } catch (error) {
      if (!(error instanceof CannotRun)) throw error;
      await this.#say(endReport({ state: 'failed', message: error.message }, null));
      return this.#end();
    }
    await this.#note({ started_at: this.tools.now() });
    await this.#follow();
  }

  /** A task that an earlier process of this worker had. What that one did not start is given back. */
  async resume(): Promise<void> {
    if (!(await forestall(this.#folder))) return this.#follow();
    await this.#say({ state: 'returned' });
    await this.#end();
  }

  async #follow(): Promise<void> {
    const look = await this.#untilItEnds();
    if (!this.#isAbandoned && (await this.#sendRest()))
      await this.#say(endReport(look, this.#record.stopped_for));
    this.tools.tell(`${this.#record.job_id}: ${this.#isAbandoned ? 'abandoned' : look.state}`);
    await this.#end();
  }

  async #untilItEnds(): Promise<ProcessLook> {
    let failures = 0;
    let sendAtMs = 0;
    for (;;) {
      const look = await lookAt(this.#folder);
      if (!look && (await this.#neverStarted())) return NEVER_STARTED;
      if (look && look.state !== 'starting' && look.state !== 'running') return look;
      await this.#stopIfDue();
      if (!this.#isAbandoned && performance.now() >= sendAtMs) {
        failures = (await this.#send(false)) === 'away' ? failures + 1 : 0;
        sendAtMs = performance.now() + (failures > 0 ? backoffMs(failures, Math.random()) : SEND_MS);
      }
      await pause(LOOK_MS);
    }
  }

  /** A supervisor that has not taken the folder for long never will: it is taken from it. */
  async #neverStarted(): Promise<boolean> {
    const sinceMs = this.tools.now() - (this.#record.started_at ?? 0);
    return sinceMs >= STARTING_MS && (await forestall(this.#folder));
  }

  async #stopIfDue(): Promise<void> {
    const { started_at: startedAt, max_runtime_seconds: max, stopped_for: stoppedFor } = this.#record;
    const isOvertime =
      startedAt !== null && max !== null && this.tools.now() >= startedAt + max * 1_000 + OVERTIME_MS;
    const why = this.tools.ending.aborted ? 'worker' : isOvertime ? 'max_runtime' : null;
    const isOurs = why !== null && !this.#isToStop && !this.#isAbandoned;
    if (isOurs && stoppedFor === null) await this.#note({ stopped_for: why });
    if (this.#isToStop || this.#isAbandoned || why !== null)
      await stopRun(this.#folder, this.tools.stopGraceMs);
  }

  /** The output that the server does not have yet. False where that does not matter any more. */
  async #sendRest(): Promise<boolean> {
    for (let failures = 1; ; failures += 1) {
      const sent = await this.#send(true);
      if (sent === 'all') return true;
      if (this.#isAbandoned) return false;
      if (sent === 'part') failures = 1;
      await this.#wait(failures);
    }
  }

  async #send(isOver: boolean): Promise<'all' | 'part' | 'away'> {
    try {
      for (let parts = 0; parts < PARTS_AT_ONCE; parts += 1) {
        const { all, stop, ...sent } = await this.#output.send(this.#record, isOver);
        if (stop) this.stop();
        const isTaken = sent.log_chars !== this.#record.log_chars;
        if (isTaken) await this.#note(sent);
        if (all) return 'all';
        if (!isTaken) break;
      }
      return 'part';
    } catch (error) {
      this.#refused(error);
      return 'away';
    }
  }

  /** Tells the server until it has an answer. */
  async #say(report: Report): Promise<'accepted' | 'not ours'> {
    for (let failures = 1; !this.#isAbandoned; failures += 1) {
      try {
        await this.tools.api.say(this.#record, report);
        return 'accepted';
      } catch (error) {
        this.#refused(error);
        if (!this.#isAbandoned) await this.#wait(failures);
      }
    }
    return 'not ours';
  }

  #refused(error: unknown): void {
    if (!(error instanceof Refused)) throw error;
    if (error.kind === 'not ours' || error.kind === 'removed') this.abandon();
  }

  /** @throws when this process is to end meanwhile */
  async #wait(failures: number): Promise<void> {
    const { ending } = this.tools;
    // One more try is made without waiting when the end has come.
    if (ending.aborted && failures > 2) throw new Ending();
    await pause(ending.aborted ? LOOK_MS : backoffMs(failures, Math.random()), undefined, {
      signal: ending.aborted ? new AbortController().signal : ending,
    }).catch(() => undefined);
  }

  async #note(change: Partial<TaskRecord>): Promise<void> {
    this.#record = { ...this.#record, ...change };
    await this.tools.records.write(this.#record);
  }

  async #end(): Promise<void> {
    await this.tools.records.remove(this.#record);
  }
}

/** This process ends, and leaves a task to the next one. */
export class Ending extends Error {
  override readonly name = 'Ending';
}

const orderOf = (task: Task) => ({
  runKey: task.id,
  jobId: task.job_id,
  attempt: task.attempt,
  command: task.config.command,
  env: task.config.env,
  workingDirectory: task.config.working_directory,
  secrets: new Map(task.env.map(({ variable, name, value }) => [variable, { name, value }])),
  files: task.files.map(({ file, variable, name, value }) => ({
    file,
    variable: variable ?? undefined,
    name,
    value,
  })),
  outputPath: task.output_path,
  checkpointPath: task.checkpoint_path,
});
