import { Injectable } from '@nestjs/common';
import type { Queryable } from '@lineclear/kit';

/** How far the output of a task has come: as it was sent, and as it is kept. */
export interface LogEnds {
  readonly leaseId: string | null;
  readonly taken: number;
  readonly end: number;
  /** What of it is kept here still. */
  readonly kept: number;
}

export interface WorkerLogPart {
  readonly beginsAt: number;
  readonly text: string;
}

/** The output of workers' tasks on its way into the logs of their runs. */
@Injectable()
export class WorkerLogsRepo {
  async ends(db: Queryable, runKey: string): Promise<Pick<LogEnds, 'taken'> | undefined> {
    const [ends] = await db.query<Pick<LogEnds, 'taken'>>(
      'select log_taken as taken from worker_tasks where run_key = $1',
      [runKey],
    );
    return ends;
  }

  async lockEnds(tx: Queryable, runKey: string): Promise<LogEnds | undefined> {
    const [ends] = await tx.query<LogEnds>(
      `select t.lease_id as "leaseId", t.log_taken as taken, t.log_end as "end",
              coalesce((select sum(ends_at - begins_at) from worker_logs l where l.run_key = t.run_key), 0)::float8 as kept
         from worker_tasks t where run_key = $1 for update`,
      [runKey],
    );
    return ends;
  }

  /** Adds a part, of which `taken` characters were sent and `text` is kept. */
  async append(
    tx: Queryable,
    runKey: string,
    { beginsAt, text, taken, hidden }: WorkerLogPart & { taken: number; hidden: readonly string[] },
  ): Promise<void> {
    const endsAt = beginsAt + text.length;
    await tx.query(
      `update worker_tasks set log_taken = log_taken + $2, log_end = $3,
              hidden = array(select distinct name from unnest(hidden || $4::text[]) as name) where run_key = $1`,
      [runKey, taken, endsAt, hidden],
    );
    if (text !== '')
      await tx.query('insert into worker_logs (run_key, begins_at, ends_at, text) values ($1, $2, $3, $4)', [
        runKey,
        beginsAt,
        endsAt,
        text,
      ]);
  }

  /** The parts after a place, up to `limit`, and the names of what was taken out of all of them. What is before it is in the run's log already. */
  async read(
    db: Queryable,
    runKey: string,
    from: number,
    limit: number,
  ): Promise<{ parts: WorkerLogPart[]; hidden: string[] }> {
    await db.query('delete from worker_logs where run_key = $1 and ends_at <= $2', [runKey, from]);
    const [task] = await db.query<{ hidden: string[] }>(
      'select hidden from worker_tasks where run_key = $1',
      [runKey],
    );
    const parts = await db.query<WorkerLogPart>(
      `select begins_at as "beginsAt", text from worker_logs where run_key = $1 order by begins_at limit $2`,
      [runKey, limit],
    );
    return { parts, hidden: task?.hidden ?? [] };
  }
}
