import { setTimeout as pause } from 'node:timers/promises';
import { backoffMs } from '../domain/backoff.js';
import { CliError, EXIT } from '../domain/cli-error.js';
import { Ending, HeldTask, type TaskTools } from './held-task.js';
import { Refused, type Task } from './worker-api.js';

export interface WorkerOptions {
  readonly version: string;
  readonly slots: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly warn: (line: string) => void;
  /** It is to take nothing more, and to end when it has nothing. */
  readonly draining: AbortSignal;
}

/** Takes tasks and runs them, as many at a time as it has slots, until it is told to end. */
export class Worker {
  readonly #tasks = new Map<string, HeldTask>();
  readonly #underWay = new Set<Promise<void>>();
  #isRemoved = false;
  #failed: unknown;
  #freed: () => void = () => undefined;

  constructor(
    private readonly tools: TaskTools,
    private readonly options: WorkerOptions,
  ) {}

  /** @throws CliError where the server knows no such worker */
  async work(): Promise<void> {
    const { draining } = this.options;
    for (const record of await this.tools.records.all()) {
      const task = new HeldTask(record, this.tools);
      this.tools.tell(`${record.job_id}: goes on`);
      this.#keep(task, task.resume());
    }
    const beatMs = await this.#register();
    if (beatMs !== undefined) {
      const over = new AbortController();
      const beats = this.#beat(beatMs, over.signal);
      while (!draining.aborted && !this.#isRemoved && this.#failed === undefined) await this.#takeOne();
      await this.#allEnded();
      over.abort();
      await beats;
      await this.tools.api.heartbeat([], true).catch(() => undefined);
    } else await this.#allEnded();
    if (this.#failed !== undefined) throw this.#failed;
    if (this.#isRemoved) throw new CliError('this worker was removed', EXIT.refused);
  }

  /** How often to be heard of; undefined where it is to end before the server was there. */
  async #register(): Promise<number | undefined> {
    const { version, slots, labels, draining } = this.options;
    for (let failures = 1; !draining.aborted; failures += 1) {
      try {
        const said = { version, slots, labels, held: this.#held() };
        const { name, provider, heartbeat_seconds: seconds } = await this.tools.api.register(said);
        this.tools.tell(`${name} is there for jobs of ${provider}`);
        return seconds * 1_000;
      } catch (error) {
        if (this.#isFinal(error)) return undefined;
        if ((error as Refused).kind === 'unknown token' && this.#tasks.size === 0)
          throw new CliError(`the token is not valid here: ${(error as Refused).message}`, EXIT.notLoggedIn);
        await this.#pause(failures, error);
      }
    }
    return undefined;
  }

  async #takeOne(): Promise<void> {
    if (this.#tasks.size >= this.options.slots) return this.#roomFor();
    for (let failures = 1; !this.options.draining.aborted; failures += 1) {
      try {
        const task = await this.tools.api.take(this.#held(), this.options.draining);
        if (task) this.#begin(task);
        return;
      } catch (error) {
        if (this.#isFinal(error) || this.options.draining.aborted) return;
        await this.#pause(failures, error);
      }
    }
  }

  #held(): string[] {
    return [...this.#tasks.values()].map(({ record }) => record.lease);
  }

  /** Until a task has ended, or there is to be no other. */
  async #roomFor(): Promise<void> {
    const { draining } = this.options;
    await new Promise<void>((resolve) => {
      this.#freed = () => {
        draining.removeEventListener('abort', this.#freed);
        resolve();
      };
      draining.addEventListener('abort', this.#freed);
    });
  }

  #begin(task: Task): void {
    const { id, lease, job_id, max_runtime_seconds } = task;
    this.tools.tell(`${job_id}: taken`);
    const record = {
      id,
      lease,
      job_id,
      max_runtime_seconds,
      started_at: null,
      stopped_for: null,
      log_bytes: 0,
      log_chars: 0,
    };
    const held = new HeldTask(record, this.tools);
    this.#keep(held, held.begin(task));
  }

  #keep(task: HeldTask, work: Promise<void>): void {
    const { lease } = task.record;
    this.#tasks.set(lease, task);
    const done = work
      .catch((error: unknown) => {
        if (!(error instanceof Ending)) this.#failed ??= error;
      })
      .finally(() => {
        this.#tasks.delete(lease);
        this.#underWay.delete(done);
        this.#freed();
      });
    this.#underWay.add(done);
  }

  async #allEnded(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** Says every while that we are there, and hears what is to stop. */
  async #beat(everyMs: number, over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await pause(everyMs, undefined, { signal: over }).catch(() => undefined);
      if (over.aborted) return;
      const tasks = [...this.#tasks.values()];
      try {
        const told = await this.tools.api.heartbeat(
          tasks.map(({ record: { id, lease } }) => ({ id, lease })),
          this.options.draining.aborted,
        );
        for (const task of tasks) {
          if (told.stop.includes(task.record.id)) task.stop();
          if (told.abandon.includes(task.record.id)) task.abandon();
        }
      } catch (error) {
        // The next one comes as soon as this one would have been heard of.
        this.#isFinal(error);
      }
    }
  }

  /** Whether the server said that there is no such worker any more: then nothing here is its business. */
  #isFinal(error: unknown): boolean {
    if (!(error instanceof Refused)) throw error;
    if (error.kind !== 'removed') return false;
    this.#isRemoved = true;
    for (const task of this.#tasks.values()) task.abandon();
    return true;
  }

  async #pause(failures: number, error: unknown): Promise<void> {
    if (failures === 1) this.options.warn((error as Refused).message);
    await pause(backoffMs(failures, Math.random()), undefined, { signal: this.options.draining }).catch(
      () => undefined,
    );
  }
}
