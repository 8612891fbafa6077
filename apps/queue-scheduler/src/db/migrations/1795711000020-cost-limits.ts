import type { MigrationInterface, QueryRunner } from 'typeorm';

const up = [
  `alter table "provider_config" add column "cost_limit_enabled" bool not null default false, add column "cost_limit_amount" numeric,
     add column "cost_limit_period" text not null default 'monthly', add column "cost_limit_action" text not null default 'warn'`,
  `create table "provider_spend" (
    "provider" text not null,
    "day" timestamptz not null,
    "usd" numeric not null,
    constraint "provider_spend_pk" primary key ("provider", "day")) with (fillfactor = 50)`,
  `alter table "provider_spend" set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0)`,
  `create table "costs_told" (
    "provider" text not null,
    "what" text not null,
    "period" timestamptz not null,
    constraint "costs_told_pk" primary key ("provider", "what", "period"))`,
  `alter table "lanes" add column "held_by" text`,
  `insert into "provider_spend" ("provider", "day", "usd")
   select "provider", case when "ended_at" is not null or "state" in ('dispatching', 'running', 'cancelling')
       then date_trunc('day', "claimed_at", 'UTC') else 'infinity' end,
     sum(case when "ended_at" is null then "estimated_cost_usd" else coalesce("cost_usd", 0) end)
   from "jobs" where "ended_at" is null or "claimed_at" is not null group by 1, 2`,
];
const down = [
  `alter table "lanes" drop column "held_by"`,
  `drop table "costs_told"`,
  `drop table "provider_spend"`,
  `alter table "provider_config" drop column "cost_limit_enabled", drop column "cost_limit_amount", drop column "cost_limit_period",
     drop column "cost_limit_action"`,
];

/** Cost limits of providers, what each costs day by day, and which limit keeps a lane. */
export class CostLimits1795711000020 implements MigrationInterface {
  name = 'CostLimits1795711000020';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of up) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of down) await runner.query(statement);
  }
}
