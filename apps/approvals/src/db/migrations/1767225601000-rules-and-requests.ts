import type { MigrationInterface, QueryRunner } from 'typeorm';

export class RulesAndRequests1767225601000 implements MigrationInterface {
  name = 'RulesAndRequests1767225601000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "approval_rule" (
      "id" int generated always as identity not null,
      "name" text not null,
      "description" text,
      "condition" text not null,
      "threshold_number" numeric(14,4),
      "threshold_text" text,
      "is_active" boolean not null,
      "priority" int not null,
      "applies_to_provider" text,
      "applies_to_level" text,
      "exempt_levels" text array not null,
      "required_approver_level" text not null,
      "created_by_id" int not null,
      "created_by" text not null,
      "created_at" timestamptz not null,
      "updated_at" timestamptz not null,
      constraint "approval_rule_one_threshold" check (threshold_number is null or threshold_text is null),
      constraint "approval_rule_pk" primary key ("id"))`);
    await runner.query(`create table "rules_version" (
      "only" boolean not null,
      "version" bigint not null,
      constraint "rules_version_pk" primary key ("only"))`);
    await runner.query(`insert into "rules_version" values (true, 0)`);
    await runner.query(`create table "approval_request" (
      "id" uuid not null,
      "seq" bigint generated always as identity not null,
      "job_id" text not null,
      "user_id" int not null,
      "username" text not null,
      "provider" text not null,
      "config_name" text not null,
      "hardware" text not null,
      "estimated_cost_usd" numeric(14,4) not null,
      "rule_id" int not null,
      "rule_name" text not null,
      "reason" text not null,
      "required_level" text not null,
      "status" text not null,
      "created_at" timestamptz not null,
      "expires_at" timestamptz not null,
      "reviewed_by" text,
      "reviewed_by_id" int,
      "reviewed_at" timestamptz,
      "review_notes" text,
      "decided_via" text,
      "traceparent" text,
      constraint "approval_request_job" unique ("job_id"),
      constraint "approval_request_seq" unique ("seq"),
      constraint "approval_request_pk" primary key ("id"))`);
    await runner.query(
      `create index "approval_request_pending" on "approval_request" ("expires_at") where "status" = 'pending'`,
    );
    await runner.query(
      `create index "approval_request_marks" on "approval_request" ("created_at") where "status" = 'never_opened'`,
    );
    await runner.query(`create index "approval_request_user" on "approval_request" ("user_id", "seq")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['approval_request', 'rules_version', 'approval_rule'])
      await runner.query(`drop table "${table}"`);
  }
}
