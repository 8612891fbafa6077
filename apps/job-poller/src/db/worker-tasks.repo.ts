import { Injectable } from '@nestjs/common';
import type { Queryable } from '@lineclear/kit';
import { MAX_TRIES, type TaskState, type WorkerTask } from '../domain/worker-task.js';

export type NewTask = Pick<
  WorkerTask,
  | 'runKey'
  | 'provider'
  | 'jobId'
  | 'attempt'
  | 'hardware'
  | 'labels'
  | 'maxRuntimeSeconds'
  | 'outputPath'
  | 'checkpointPath'
> & { readonly config: object };

/** How a worker says that a task ended. */
export interface TaskEnd {
  readonly state: Extract<TaskState, 'succeeded' | 'failed' | 'cancelled' | 'timed_out' | 'lost'>;
  readonly exitCode: number | null;
  readonly message: string | null;
}

/** A task with how its worker is. */
export interface SeenTask extends WorkerTask {
  /** Its worker was not heard of for too long, or is not there any more. */
  readonly isOrphaned: boolean;
}

/** A task as it is handed out. */
export type HandedTask = WorkerTask & { readonly config: object };

const TASK = `t.run_key as "runKey", t.provider, t.job_id as "jobId", t.attempt, t.hardware, t.labels, t.max_runtime_seconds as "maxRuntimeSeconds",
  t.output_path as "outputPath", t.checkpoint_path as "checkpointPath", t.state, t.worker_id as "workerId", t.lease_id as "leaseId", t.tries, t.stop_asked_at as "stopAskedAt",
  t.exit_code as "exitCode", t.message, t.ended_at as "endedAt"`;
/** Puts a task back that certainly nobody began, or gives it up where it was handed out often enough. */
const PUT_BACK = `state = case when t.tries >= ${MAX_TRIES} then 'lost' else 'waiting' end, worker_id = null, lease_id = null,
  ended_at = case when t.tries >= ${MAX_TRIES} then now() end,
  message = case when t.tries >= ${MAX_TRIES} then 'it was handed out ${MAX_TRIES} times, and no worker began it' end`;

/** All statements about the tasks of workers. */
@Injectable()
export class WorkerTasksRepo {
  /** Writes a task; one of this run is there already when its submit had no answer. */
  async insert(db: Queryable, task: NewTask): Promise<void> {
    await db.query(
      `insert into worker_tasks (run_key, provider, job_id, attempt, config, hardware, labels, max_runtime_seconds, output_path, checkpoint_path, state)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'waiting') on conflict do nothing`,
      [
        task.runKey,
        task.provider,
        task.jobId,
        task.attempt,
        JSON.stringify(task.config),
        task.hardware,
        JSON.stringify(task.labels),
        task.maxRuntimeSeconds,
        task.outputPath,
        task.checkpointPath,
      ],
    );
  }

  /** These of a provider's tasks; of each, whether its worker was silent for so long. */
  async find(
    db: Queryable,
    provider: string,
    runKeys: readonly string[],
    offlineAfterMs: number,
  ): Promise<SeenTask[]> {
    return db.query(
      `select ${TASK}, coalesce(t.worker_id is not null and (w.removed_at is not null or w.has_left or w.seen_at < now() - $3 * interval '1 millisecond'), false) as "isOrphaned"
         from worker_tasks t left join workers w on w.id = t.worker_id where t.provider = $1 and t.run_key = any($2::text[])`,
      [provider, runKeys, offlineAfterMs],
    );
  }

  /** Those that wait at a provider, oldest first, from a place on. */
  async waiting(tx: Queryable, provider: string, limit: number, offset: number): Promise<WorkerTask[]> {
    return tx.query(
      `select ${TASK} from worker_tasks t where provider = $1 and state = 'waiting' order by created_at, run_key limit $2 offset $3`,
      [provider, limit, offset],
    );
  }

  /** Those that a worker has. */
  async heldBy(tx: Queryable, workerId: string): Promise<WorkerTask[]> {
    return tx.query(
      `select ${TASK} from worker_tasks t where worker_id = $1 and state in ('taken', 'running') order by created_at`,
      [workerId],
    );
  }

  /** Hands a task that waits to a worker; undefined when another has it by now. */
  async take(
    tx: Queryable,
    runKey: string,
    workerId: string,
    leaseId: string,
  ): Promise<HandedTask | undefined> {
    const [task] = await tx.query<HandedTask>(
      `update worker_tasks t set state = 'taken', worker_id = $2, lease_id = $3, tries = tries + 1
        where run_key = $1 and state = 'waiting' returning ${TASK}, t.config`,
      [runKey, workerId, leaseId],
    );
    return task;
  }

  /** Hands a task once more to the worker that has not begun it: the answer before was lost. */
  async takeAgain(
    tx: Queryable,
    runKey: string,
    workerId: string,
    leaseId: string,
  ): Promise<HandedTask | undefined> {
    const [task] = await tx.query<HandedTask>(
      `update worker_tasks t set lease_id = $3 where run_key = $1 and worker_id = $2 and state = 'taken' returning ${TASK}, t.config`,
      [runKey, workerId, leaseId],
    );
    return task;
  }

  /** The worker is going to begin it; false where its lease does not count any more. */
  async begin(tx: Queryable, runKey: string, leaseId: string): Promise<boolean> {
    const rows = await tx.query(
      `update worker_tasks set state = 'running' where run_key = $1 and lease_id = $2 and state in ('taken', 'running') returning 1`,
      [runKey, leaseId],
    );
    return rows.length > 0;
  }

  /** Notes how it ended; false where its lease does not count any more. */
  async end(
    tx: Queryable,
    runKey: string,
    leaseId: string,
    { state, exitCode, message }: TaskEnd,
  ): Promise<boolean> {
    const rows = await tx.query(
      `update worker_tasks set state = $3, exit_code = $4, message = $5, ended_at = now()
        where run_key = $1 and lease_id = $2 and state in ('taken', 'running') returning 1`,
      [runKey, leaseId, state, exitCode, message],
    );
    return rows.length > 0;
  }

  /** Puts a task back that its worker certainly did not begin; false where its lease does not count any more. */
  async putBack(tx: Queryable, runKey: string, leaseId: string): Promise<boolean> {
    const rows = await tx.query(
      `update worker_tasks t set ${PUT_BACK} where run_key = $1 and lease_id = $2 and state in ('taken', 'running') returning 1`,
      [runKey, leaseId],
    );
    return rows.length > 0;
  }

  /** As if it had not been handed out: what it needs was not there. */
  async handBack(db: Queryable, runKey: string, leaseId: string): Promise<void> {
    await db.query(
      `update worker_tasks set state = 'waiting', worker_id = null, lease_id = null, tries = tries - 1
        where run_key = $1 and lease_id = $2 and state = 'taken'`,
      [runKey, leaseId],
    );
  }

  /** Puts those back that were handed to workers who did not begin them and are silent for so long; which, and whether they are given up. */
  async putBackOrphans(
    tx: Queryable,
    offlineAfterMs: number,
  ): Promise<{ jobId: string; provider: string; state: TaskState }[]> {
    return tx.query(
      `update worker_tasks t set ${PUT_BACK}
        where run_key = any(array(
          select o.run_key from worker_tasks o join workers w on w.id = o.worker_id
           where o.state = 'taken' and (w.removed_at is not null or w.has_left or w.seen_at < now() - $1 * interval '1 millisecond')
             for update of o skip locked))
       returning t.job_id as "jobId", t.provider, t.state`,
      [offlineAfterMs],
    );
  }

  /** Ends those whose runs the house has given up: their workers, when they come back, are to stop them. */
  async endForgotten(tx: Queryable): Promise<void> {
    await tx.query(
      `update worker_tasks t set state = 'lost', ended_at = now(), message = 'its run ended without it' from runs r
        where t.state in ('taken', 'running') and r.run_key = t.run_key and r.state = 'ended'`,
    );
  }

  /** Ends what a worker began and does not know any more: its disk is another's, or was wiped. */
  async endUnknown(tx: Queryable, workerId: string, leases: readonly string[]): Promise<void> {
    await tx.query(
      `update worker_tasks set state = 'lost', ended_at = now(), message = 'its worker does not know it any more'
        where worker_id = $1 and state = 'running' and lease_id <> all($2::uuid[])`,
      [workerId, leases],
    );
  }

  /** Ends what a worker has that is removed: what it has not begun waits for another. */
  async endOf(tx: Queryable, workerId: string): Promise<void> {
    await tx.query(`update worker_tasks t set ${PUT_BACK} where worker_id = $1 and state = 'taken'`, [
      workerId,
    ]);
    await tx.query(
      `update worker_tasks set state = 'lost', ended_at = now(), message = 'its worker was removed' where worker_id = $1 and state = 'running'`,
      [workerId],
    );
  }

  /** Asks for a stop; what nobody has begun ends at once. */
  async stop(db: Queryable, provider: string, runKey: string): Promise<void> {
    await db.query(
      `update worker_tasks set stop_asked_at = coalesce(stop_asked_at, now()),
              state = case when state = 'running' then state else 'cancelled' end, ended_at = case when state = 'running' then null else now() end
        where provider = $1 and run_key = $2 and state in ('waiting', 'taken', 'running')`,
      [provider, runKey],
    );
  }
}
