import type { MigrationInterface, QueryRunner } from 'typeorm';

const OUTCOME = `case "state" when 'completed' then 'succeeded' when 'cancelled' then 'cancelled' else
  case "end_reason" when 'run_timed_out' then 'timed_out' when 'run_lost' then 'lost' when 'dispatch_refused' then 'refused' else 'failed' end end`;
const iso = (column: string): string =>
  `to_char("${column}" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Jobs may have several attempts, those that are over and until when the next one keeps away from the queue, follow other jobs, and be tasks of an array. */
export class Attempts1795711000012 implements MigrationInterface {
  name = 'Attempts1795711000012';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `alter table "jobs" add column "checkpoint_path" text, add column "retry" json, add column "last_ord" int8,
         add column "attempts" json not null default '[]', add column "not_before" timestamptz,
         add column "array_id" text, add column "array_index" int4, add column "parameters" json,
         add column "depends_on" json not null default '[]', add column "unmet" int4 not null default 0`,
    );
    await runner.query(
      `update "jobs" set "attempts" = json_build_array(json_build_object('attempt', "attempt", 'hardware', "hardware", 'gpus', "gpus",
         'outcome', ${OUTCOME}, 'cause', null, 'message', "message", 'is_preempted', false, 'queued_at', ${iso('queued_at')}, 'claimed_at', ${iso('claimed_at')}, 'started_at', ${iso('started_at')},
         'ended_at', ${iso('ended_at')}, 'cost_usd', coalesce("cost_usd", 0)))
       where "claimed_at" is not null and "ended_at" is not null`,
    );
    await runner.query(
      `create index "jobs_of_array" on "jobs" ("array_id", "array_index") where "array_id" is not null`,
    );
    await runner.query(`create table "dependencies" (
      "job_id" text not null,
      "follows" text not null,
      "condition" text not null,
      "ended_as" text,
      constraint "dependencies_pk" primary key ("job_id", "follows"))`);
    await runner.query(`create index "dependencies_follows" on "dependencies" ("follows")`);
    await runner.query(
      `create index "dependencies_ended" on "dependencies" ("job_id") where "ended_as" is not null`,
    );
    await runner.query(
      `create index "jobs_not_before" on "jobs" ("not_before") where "not_before" is not null and "ended_at" is null`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table "dependencies"');
    await runner.query(
      `alter table "jobs" drop column "checkpoint_path", drop column "retry", drop column "last_ord", drop column "attempts",
         drop column "not_before", drop column "array_id", drop column "array_index", drop column "parameters", drop column "depends_on", drop column "unmet"`,
    );
  }
}
