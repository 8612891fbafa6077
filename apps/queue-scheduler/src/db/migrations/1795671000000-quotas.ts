import type { MigrationInterface, QueryRunner } from 'typeorm';

const up = [
  `alter table "jobs" add column "team_id" int4, add column "org_id" int4, add column "gpus" int4 not null default 1`,
  `create index "jobs_by_org" on "jobs" ("org_id", "id") where "org_id" is not null`,
  `drop index "jobs_in_lane"`,
  `create index "jobs_in_lane" on "jobs" ("user_id", coalesce("team_id", 0), coalesce("org_id", 0), "band", "ord") where "state" = 'queued'`,
  `alter table "slots" rename column "user_id" to "subject"`,
  `alter table "slots" add column "scope" text not null default 'user'`,
  `alter table "slots" alter column "scope" drop default`,
  `update "slots" set "scope" = 'house' where "subject" = 0`,
  `alter table "slots" drop constraint "slots_pk", add constraint "slots_pk" primary key ("scope", "subject")`,
  `alter table "lanes" add column "team_id" int4 not null default 0, add column "org_id" int4 not null default 0,
     add column "level" text not null default '', add column "held_until" timestamptz`,
  `update "lanes" l set "level" = coalesce((select "level" from "jobs" j where j."user_id" = l."user_id" and j."band" = l."band" limit 1), '')`,
  `alter table "lanes" alter column "team_id" drop default, alter column "org_id" drop default, alter column "level" drop default`,
  `alter table "lanes" drop constraint "lanes_pk", add constraint "lanes_pk" primary key ("user_id", "team_id", "org_id", "band")`,
  `create index "lanes_held" on "lanes" ("held_until") where "held_until" is not null`,
  `create table "quotas" (
    "scope" text not null,
    "subject" text not null,
    "quota_type" text not null,
    "limit_value" numeric,
    "action" text,
    "version" int8 not null,
    constraint "quotas_pk" primary key ("scope", "subject", "quota_type"))`,
  `create table "quotas_told" (
    "scope" text not null,
    "subject" text not null,
    "quota_type" text not null,
    "what" text not null,
    "period" timestamptz not null,
    constraint "quotas_told_pk" primary key ("scope", "subject", "quota_type", "what", "period"))`,
  `create table "usage" (
    "scope" text not null,
    "subject" int4 not null,
    "hour" timestamptz not null,
    "submitted" int4 not null,
    "usd" numeric not null,
    "gpu_seconds" numeric not null,
    constraint "usage_pk" primary key ("scope", "subject", "hour")) with (fillfactor = 50)`,
  `alter table "usage" set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0)`,
  // Jobs from before count from now on: those that wait or run with what they are expected to take.
  `insert into "usage" ("scope", "subject", "hour", "submitted", "usd", "gpu_seconds")
   select 'user', "user_id", case when "state" in ('dispatching', 'running', 'cancelling') then date_trunc('hour', "claimed_at", 'UTC') else 'infinity' end,
     0, sum("estimated_cost_usd"), sum("estimated_duration_seconds")
   from "jobs" where "ended_at" is null group by 1, 2, 3`,
];
const down = [
  `drop table "usage"`,
  `drop table "quotas_told"`,
  `drop table "quotas"`,
  `drop index "lanes_held"`,
  `delete from "lanes" where "team_id" <> 0 or "org_id" <> 0`,
  `alter table "lanes" drop constraint "lanes_pk", add constraint "lanes_pk" primary key ("user_id", "band")`,
  `alter table "lanes" drop column "team_id", drop column "org_id", drop column "level", drop column "held_until"`,
  `delete from "slots" where "scope" in ('team', 'org')`,
  `alter table "slots" drop constraint "slots_pk", add constraint "slots_pk" primary key ("subject")`,
  `alter table "slots" drop column "scope"`,
  `alter table "slots" rename column "subject" to "user_id"`,
  `drop index "jobs_in_lane"`,
  `create index "jobs_in_lane" on "jobs" ("user_id", "band", "ord") where "state" = 'queued'`,
  `drop index "jobs_by_org"`,
  `alter table "jobs" drop column "team_id", drop column "org_id", drop column "gpus"`,
];

export class Quotas1795671000000 implements MigrationInterface {
  name = 'Quotas1795671000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of up) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of down) await runner.query(statement);
  }
}
