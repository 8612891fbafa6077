import pg from 'pg';
import { RECOUNT } from '../../apps/queue-scheduler/test/recount.js';
import { MAX_PARALLEL } from './chaos-jobs.js';

export interface EndedJob {
  readonly id: string;
  readonly state: string;
  readonly attempt: number;
  /** How many of its attempts were stopped for others. */
  readonly preempted: number;
  readonly cancel_requested: boolean;
}

/** What the queue-scheduler's tables say, for tests that must not take its word for it. */
export interface Queue {
  jobs(ids: readonly string[]): Promise<EndedJob[]>;
  /** How many jobs there are, whoever knows of them. */
  total(): Promise<number>;
  /** How many quotas it knows of. */
  quotas(): Promise<number>;
  /** Counters that are not what a recount says, and ceilings that are exceeded, at this moment; undefined while Postgres is away. */
  wrongs(): Promise<object[] | undefined>;
  close(): Promise<void>;
}

/** Hardware of which there is little. */
export const SCARCE = 'gpu-h100';
export const SCARCE_CEILING = 10;

/** The class of what Postgres says when it is stopped or starting. */
const SHUTDOWN = '57P';
const HOLDS_SLOT = `state in ('dispatching', 'running', 'cancelling')`;
const OVER_CEILING = `
  with ceiling as (
    select 'house' as scope, 0 as subject, max_concurrent as at_most from limits
    union all select 'user', user_id, user_max_concurrent from limits, (select distinct user_id from jobs) u
    union all select scope, subject::int4, limit_value from quotas
      where scope in ('team', 'org') and quota_type = 'concurrent_jobs' and limit_value is not null)
  select c.*, count(*)::int4 as running from ceiling c join jobs j on ${HOLDS_SLOT} and (
    scope = 'house' or scope = 'user' and user_id = subject or scope = 'team' and team_id = subject or scope = 'org' and org_id = subject)
  group by 1, 2, 3 having count(*) > at_most
  union all select 'hardware', 0, ${SCARCE_CEILING}, sum(gpus)::int4 from jobs where hardware = '${SCARCE}' and ${HOLDS_SLOT}
  having sum(gpus) > ${SCARCE_CEILING}
  union all select array_id, 0, ${MAX_PARALLEL}, count(*)::int4 from jobs where array_id is not null and ${HOLDS_SLOT}
  group by 1 having count(*) > ${MAX_PARALLEL}`;

export function openQueue(connectionString: string): Queue {
  const pool = new pg.Pool({ connectionString, max: 2 });
  // Its connections end with the server, which is stopped and started again; the next question opens another.
  pool.on('error', () => undefined);
  const rows = async <T extends object>(sql: string, values: unknown[] = []): Promise<T[]> =>
    (await pool.query<T>(sql, values)).rows;
  return {
    jobs: (ids) =>
      rows(
        `select id, state, attempt, cancel_requested_at is not null and stopped_for is null as cancel_requested,
           (select count(*)::int4 from json_to_recordset(attempts) as a (is_preempted bool) where is_preempted) as preempted
         from jobs where id = any($1)`,
        [ids],
      ),
    total: async () => (await rows('select from jobs')).length,
    quotas: async () => (await rows('select from quotas where limit_value is not null')).length,
    async wrongs() {
      try {
        return [...(await rows(RECOUNT)), ...(await rows(OVER_CEILING))];
      } catch (error) {
        if (error instanceof pg.DatabaseError && !error.code?.startsWith(SHUTDOWN)) throw error;
        return undefined;
      }
    },
    close: () => pool.end(),
  };
}
