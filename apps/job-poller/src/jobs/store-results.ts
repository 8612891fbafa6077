import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { Bus, event, type Outgoing } from '@lineclear/bus';
import { runEnded, runObserved, runStarted, secretLeakDetected } from '@lineclear/contracts';
import { Database, isDatabaseAway, LOGGER, Metrics, type Logger, type Tx } from '@lineclear/kit';
import { Counter } from 'prom-client';
import { RunLogsRepo } from '../db/run-logs.repo.js';
import { RunsRepo } from '../db/runs.repo.js';
import { endedData, observedData, startedData } from '../domain/announce.js';
import { leaksData } from '../domain/leaks.js';
import { Credentials } from '../providers/credentials.js';
import { LogTail } from './log-tail.js';
import { PlanSweeps } from './plan-sweeps.js';
import type { StepResult } from './step-result.js';

const MAX_BATCH = 200;
const RETRY_MS = 500;

interface Waiting {
  readonly result: StepResult;
  readonly stored: () => void;
}

/**
 * Writes what steps brought. Results that come while a transaction runs share the next one: run, log, and events of all of
 * them in four statements. A result counts only if the run is still its step's.
 */
@Injectable()
export class StoreResults {
  readonly #waiting: Waiting[] = [];
  readonly #stop = new AbortController();
  readonly #leaks: Counter<'where' | 'form'>;
  #isWriting = false;

  constructor(
    private readonly database: Database,
    private readonly runs: RunsRepo,
    private readonly logs: RunLogsRepo,
    private readonly sweeps: PlanSweeps,
    private readonly bus: Bus,
    private readonly credentials: Credentials,
    private readonly tail: LogTail,
    @Inject(LOGGER) private readonly log: Logger,
    { registry }: Metrics,
  ) {
    this.#leaks = new Counter({
      name: 'secrets_leak_hits_total',
      help: 'Secrets that runs wrote into their log or message, each once per run, by where and how they were written',
      labelNames: ['where', 'form'],
      registers: [registry],
    });
  }

  /** Resolves once the result is stored, or has turned out to be no longer wanted. */
  store(result: StepResult, owner: string): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ result, stored: resolve });
      if (!this.#isWriting) void this.#write(owner);
    });
  }

  /** Gives up waiting for a database that is away: what was not stored is found out again by whoever comes next. */
  stop(): void {
    this.#stop.abort();
  }

  async #write(owner: string): Promise<void> {
    this.#isWriting = true;
    // What is brought in the same turn of the event loop belongs to the same transaction.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_BATCH);
      await this.#storeBatch(batch, owner);
      for (const { stored } of batch) stored();
    }
    this.#isWriting = false;
  }

  async #storeBatch(batch: readonly Waiting[], owner: string): Promise<void> {
    const results = batch.map(({ result }) => result);
    while (!this.#stop.signal.aborted) {
      try {
        await this.database.tx((tx) => this.#storeIn(tx, results, owner));
        return;
      } catch (error) {
        this.log.warn({ err: error, runs: results.length }, 'the results of steps could not be stored');
        if (!isDatabaseAway(error)) break;
        await delay(RETRY_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      }
    }
    // One that can never be stored must not take the others with it; its run is looked at anew when the lease is over.
    if (batch.length > 1) for (const one of batch) await this.#storeBatch([one], owner);
  }

  async #storeIn(tx: Tx, results: readonly StepResult[], owner: string): Promise<void> {
    const steps = results.map(({ before, run, nextInMs }) => ({
      run,
      nextInMs,
      knewStop: before.stopRequestedAt !== null || run.stopRequestedAt !== null,
    }));
    const versions = await this.runs.store(tx, steps, owner);
    const stored = results.filter(({ run }) => versions.has(run.id));
    await this.logs.append(
      tx,
      stored.flatMap(({ run, chunks }) => chunks.map((chunk) => ({ ...chunk, runId: run.id }))),
    );
    await this.bus.publish(
      tx,
      ...stored.flatMap((result) => eventsOf(result, versions.get(result.run.id) ?? 0)),
    );
    await this.sweeps.plan(tx, stored);
    tx.afterCommit(() => {
      for (const { before, run, chunks } of stored) {
        for (const { where, form } of leaksData(before, run)) this.#leaks.inc({ where, form });
        if (chunks.length > 0 || run.state === 'ended') this.tail.wake(run.id);
        if (run.state === 'ended') this.credentials.forgetRun(run.id);
      }
    });
  }
}

/** What a step's result tells the rest of the house, in the order in which it happened. */
function eventsOf({ before, run }: StepResult, version: number): Outgoing[] {
  const rest = { about: `job/${run.jobId}`, version, traceparent: run.traceparent ?? undefined };
  const started = before.externalId === null ? startedData(run) : undefined;
  const observed =
    run.published !== null && run.published !== before.published
      ? observedData(run, run.published)
      : undefined;
  const ended = run.state === 'ended' ? endedData(run) : undefined;
  return [
    ...(started ? [event(runStarted, started, rest)] : []),
    ...(observed ? [event(runObserved, observed, rest)] : []),
    ...leaksData(before, run).map((leak) => event(secretLeakDetected, leak, rest)),
    ...(ended ? [event(runEnded, ended, rest)] : []),
  ];
}
