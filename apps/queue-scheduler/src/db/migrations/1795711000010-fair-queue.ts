import type { MigrationInterface, QueryRunner } from 'typeorm';

const READY = 'queued > 0 and not is_full and held_until is null';
const POOL = `"provider" || '/' || "hardware" || '/' || "gpus"::text`;

const up = [
  `alter table "limits" add column "is_paused" bool not null default false, add column "half_life_hours" float8 not null default 168,
     add column "starvation_threshold_minutes" float8 not null default 60, add column "guard_every" int4 not null default 4,
     add column "decisions" int8 not null default 0`,
  `alter table "slots" add column "nominal" int4`,
  `create index "slots_nominal" on "slots" ("scope", "subject") where "nominal" is not null`,
  `create table "pools" (
    "provider" text not null,
    "hardware" text not null,
    "gpus" int4 not null,
    "running" int4 not null,
    constraint "pools_pk" primary key ("provider", "hardware", "gpus"),
    constraint "pools_not_negative" check (running >= 0)) with (fillfactor = 50)`,
  `insert into "pools" select "provider", "hardware", "gpus",
     count(*) filter (where "state" in ('dispatching', 'running', 'cancelling')) from "jobs" where "ended_at" is null group by 1, 2, 3`,
  `create table "pool_limits" (
    "kind" text not null,
    "name" text not null,
    "at_most" int4,
    "is_paused" bool not null,
    constraint "pool_limits_pk" primary key ("kind", "name"))`,
  `create table "shares" (
    "key" text not null,
    "used" float8 not null,
    constraint "shares_pk" primary key ("key")) with (fillfactor = 50)`,
  `create table "branches" (
    "place" int4 not null,
    "parent" int4 not null,
    "band" int2 not null,
    "pool" text not null,
    "used" float8 not null,
    "borrows" bool not null default false,
    "is_full" bool not null default false,
    "is_ready" bool not null default false,
    "oldest" timestamptz,
    constraint "branches_pk" primary key ("place", "parent", "band", "pool")) with (fillfactor = 50)`,
  `create index "branches_ready" on "branches" ("pool", "parent", "band" desc, "borrows", "used", "place") where is_ready and not is_full`,
  `create index "branches_oldest" on "branches" ("pool", "parent", "oldest") where is_ready and not is_full`,
  `drop table "lanes"`,
  `create table "lanes" (
    "user_id" int4 not null,
    "team_id" int4 not null,
    "org_id" int4 not null,
    "band" int2 not null,
    "pool" text not null,
    "level" text not null,
    "queued" int4 not null,
    "head_ord" int8 not null,
    "head_queued_at" timestamptz not null,
    "used" float8 not null,
    "is_full" bool not null default false,
    "held_until" timestamptz,
    constraint "lanes_pk" primary key ("user_id", "team_id", "org_id", "band", "pool"),
    constraint "lanes_not_negative" check (queued >= 0)) with (fillfactor = 50)`,
  `create index "lanes_ready" on "lanes" ("pool", "band", "org_id", "team_id", "used", "head_ord") where ${READY}`,
  `create index "lanes_oldest" on "lanes" ("pool", "band", "org_id", "team_id", "head_queued_at") where ${READY}`,
  `create index "lanes_held" on "lanes" ("held_until") where "held_until" is not null`,
  `drop index "jobs_in_lane"`,
  `create index "jobs_in_lane" on "jobs" ("user_id", coalesce("team_id", 0), coalesce("org_id", 0), "band", (${POOL}), "ord") where "ord" is not null`,
  `insert into "lanes" ("user_id", "team_id", "org_id", "band", "pool", "level", "queued", "head_ord", "head_queued_at", "used")
   select "user_id", coalesce("team_id", 0), coalesce("org_id", 0), "band", ${POOL}, max("level"), count(*), min("ord"), min("queued_at"), 0
   from "jobs" where "ord" is not null group by 1, 2, 3, 4, 5`,
  `insert into "branches" ("place", "parent", "band", "pool", "used", "is_ready", "oldest")
   select "team_id", "org_id", "band", "pool", 0, true, min("head_queued_at") from "lanes" group by 1, 2, 3, 4
   union all select "org_id", -1, "band", "pool", 0, true, min("head_queued_at") from "lanes" group by 1, 3, 4`,
  ...['lanes', 'branches', 'shares', 'pools'].map(
    (table) =>
      `alter table "${table}" set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0)`,
  ),
];
const down = [
  `drop table "branches"`,
  `drop table "shares"`,
  `drop table "pool_limits"`,
  `drop table "pools"`,
  `drop index "slots_nominal"`,
  `alter table "slots" drop column "nominal"`,
  `alter table "limits" drop column "is_paused", drop column "half_life_hours", drop column "starvation_threshold_minutes",
     drop column "guard_every", drop column "decisions"`,
  `drop table "lanes"`,
  `create table "lanes" (
    "user_id" int4 not null,
    "team_id" int4 not null,
    "org_id" int4 not null,
    "band" int2 not null,
    "level" text not null,
    "queued" int4 not null,
    "head_ord" int8 not null,
    "is_full" bool not null default false,
    "held_until" timestamptz,
    constraint "lanes_pk" primary key ("user_id", "team_id", "org_id", "band"),
    constraint "lanes_not_negative" check (queued >= 0)) with (fillfactor = 50)`,
  `create index "lanes_ready" on "lanes" ("band" desc, "head_ord") where queued > 0 and not is_full`,
  `create index "lanes_held" on "lanes" ("held_until") where "held_until" is not null`,
  `insert into "lanes" ("user_id", "team_id", "org_id", "band", "level", "queued", "head_ord")
   select "user_id", coalesce("team_id", 0), coalesce("org_id", 0), "band", max("level"), count(*), min("ord")
   from "jobs" where "state" = 'queued' group by 1, 2, 3, 4`,
  `drop index "jobs_in_lane"`,
  `create index "jobs_in_lane" on "jobs" ("user_id", coalesce("team_id", 0), coalesce("org_id", 0), "band", "ord") where "state" = 'queued'`,
];

/** Lanes by pool, the tree above them, and what was used: who goes next is found by a few looks into indexes. */
export class FairQueue1795711000010 implements MigrationInterface {
  name = 'FairQueue1795711000010';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of up) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of down) await runner.query(statement);
  }
}
