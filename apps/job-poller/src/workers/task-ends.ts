import { Injectable } from '@nestjs/common';
import { Database } from '@lineclear/kit';
import { RunsRepo } from '../db/runs.repo.js';
import { WorkerTasksRepo, type TaskEnd } from '../db/worker-tasks.repo.js';
import type { WorkerTask } from '../domain/worker-task.js';
import { StepRunner } from '../jobs/step-runner.js';

/** Notes how tasks end, and has their runs looked at. */
@Injectable()
export class TaskEnds {
  constructor(
    private readonly database: Database,
    private readonly tasks: WorkerTasksRepo,
    private readonly runs: RunsRepo,
    private readonly runner: StepRunner,
  ) {}

  /** False where the lease does not count any more. */
  async end({ runKey }: Pick<WorkerTask, 'runKey'>, leaseId: string, how: TaskEnd): Promise<boolean> {
    return this.database.tx(async (tx) => {
      if (!(await this.tasks.end(tx, runKey, leaseId, how))) return false;
      await this.runs.hurry(tx, runKey);
      tx.afterCommit(() => this.runner.wake());
      return true;
    });
  }

  /** The same when it begins. */
  async begin({ runKey }: Pick<WorkerTask, 'runKey'>, leaseId: string): Promise<boolean> {
    return this.database.tx(async (tx) => {
      if (!(await this.tasks.begin(tx, runKey, leaseId))) return false;
      await this.runs.hurry(tx, runKey);
      tx.afterCommit(() => this.runner.wake());
      return true;
    });
  }
}
