import type { MigrationInterface, QueryRunner } from 'typeorm';

const up = [
  `create sequence "queue_ord"`,
  `create table "jobs" (
    "id" text not null,
    "user_id" int4 not null,
    "username" text not null,
    "level" text not null,
    "band" int2 not null,
    "provider" text not null,
    "config_name" text not null,
    "config" json not null,
    "hardware" text not null,
    "cost_per_hour_usd" numeric not null,
    "estimated_duration_seconds" int4 not null,
    "estimated_cost_usd" numeric not null,
    "max_runtime_seconds" int4,
    "output_path" text,
    "secrets" json not null,
    "labels" json not null,
    "facts" json not null,
    "traceparent" text,
    "submitted_at" timestamptz not null,
    "state" text not null,
    "version" int4 not null,
    "approval" json,
    "held_at" timestamptz,
    "queued_at" timestamptz,
    "ord" int8,
    "attempt" int4 not null,
    "claim_id" uuid,
    "claimed_at" timestamptz,
    "lease_until" timestamptz,
    "started_at" timestamptz,
    "cancel_requested_at" timestamptz,
    "ended_at" timestamptz,
    "end_reason" text,
    "message" text,
    "external_id" text,
    "progress" json,
    "cost_usd" numeric,
    constraint "jobs_pk" primary key ("id"))`,
  `create index "jobs_by_user" on "jobs" ("user_id", "id")`,
  `create index "jobs_in_lane" on "jobs" ("user_id", "band", "ord") where "state" = 'queued'`,
  `create index "jobs_in_queue" on "jobs" ("band" desc, "ord") where "state" = 'queued'`,
  `create index "jobs_lease" on "jobs" ("lease_until") where "lease_until" is not null`,
  `create index "jobs_live" on "jobs" ("user_id", "id") where "ended_at" is null`,
  `create table "idempotency_keys" (
    "user_id" int4 not null,
    "key" text not null,
    "request_sha256" text not null,
    "job_id" text not null,
    "created_at" timestamptz not null,
    constraint "idempotency_keys_pk" primary key ("user_id", "key"))`,
  `create index "idempotency_keys_created_at" on "idempotency_keys" ("created_at")`,
  `create table "submissions" (
    "user_id" int4 not null,
    "hour" timestamptz not null,
    "jobs" int4 not null,
    constraint "submissions_pk" primary key ("user_id", "hour")) with (fillfactor = 50)`,
  `create table "limits" (
    "id" int4 not null,
    "max_concurrent" int4 not null,
    "user_max_concurrent" int4 not null,
    constraint "limits_pk" primary key ("id"),
    constraint "limits_one_row" check (id = 1))`,
  `insert into "limits" values (1, 10, 3)`,
  `create table "slots" (
    "user_id" int4 not null,
    "running" int4 not null,
    constraint "slots_pk" primary key ("user_id"),
    constraint "slots_not_negative" check (running >= 0)) with (fillfactor = 50)`,
  `insert into "slots" values (0, 0)`,
  `create table "lanes" (
    "user_id" int4 not null,
    "band" int2 not null,
    "queued" int4 not null,
    "head_ord" int8 not null,
    "is_full" bool not null default false,
    constraint "lanes_pk" primary key ("user_id", "band"),
    constraint "lanes_not_negative" check (queued >= 0)) with (fillfactor = 50)`,
  `create index "lanes_ready" on "lanes" ("band" desc, "head_ord") where queued > 0 and not is_full`,
  `create table "provider_config" (
    "provider" text not null,
    "hardware" json not null,
    "updated_at" timestamptz not null,
    constraint "provider_config_pk" primary key ("provider"))`,
  `create table "ledger" (
    "job_id" text not null,
    "attempt" int4 not null,
    "user_id" int4 not null,
    "provider" text not null,
    "reserved_usd" numeric not null,
    "settled_usd" numeric,
    "reserved_at" timestamptz not null,
    "settled_at" timestamptz,
    constraint "ledger_pk" primary key ("job_id", "attempt"))`,
  // Small tables whose rows change thousands of times a second, and a queue whose head is eaten away.
  ...['slots', 'lanes', 'submissions'].map(
    (table) =>
      `alter table "${table}" set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0)`,
  ),
  `alter table "jobs" set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0)`,
];

export class QueueTables1767225700000 implements MigrationInterface {
  name = 'QueueTables1767225700000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of up) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of [
      'ledger',
      'provider_config',
      'lanes',
      'slots',
      'limits',
      'submissions',
      'idempotency_keys',
      'jobs',
    ]) {
      await runner.query(`drop table "${table}"`);
    }
    await runner.query(`drop sequence "queue_ord"`);
  }
}
