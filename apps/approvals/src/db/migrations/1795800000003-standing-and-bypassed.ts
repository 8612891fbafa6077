import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A yes that is said in advance, and requests that were passed and are looked at afterwards. */
export class StandingAndBypassed1795800000003 implements MigrationInterface {
  name = 'StandingAndBypassed1795800000003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "standing_approval" (
      "id" int generated always as identity not null,
      "user_id" int,
      "team_id" int,
      "org_id" int,
      "provider" text,
      "config_pattern" text,
      "hardware_pattern" text,
      "max_job_usd" numeric(14,4),
      "cap_usd" numeric(14,4) not null,
      "per" text not null,
      "spent_usd" numeric(14,4) not null default 0,
      "spent_month" text,
      "starts_at" timestamptz not null,
      "ends_at" timestamptz not null,
      "revoked_at" timestamptz,
      "reason" text not null,
      "granted_by_id" int not null,
      "granted_by" text not null,
      "tenant_id" int,
      "created_at" timestamptz not null,
      constraint "standing_approval_pk" primary key ("id"))`);
    await runner.query(
      'create index "standing_approval_ends" on "standing_approval" ("ends_at") where revoked_at is null',
    );
    await runner.query(`alter table "approval_request"
      add column "bypass_review" text, add column "bypass_told" int not null default 0`);
    await runner.query(
      `create index "approval_request_reviews" on "approval_request" ("user_id") where "bypass_review" = 'due'`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'alter table "approval_request" drop column "bypass_review", drop column "bypass_told"',
    );
    await runner.query('drop table "standing_approval"');
  }
}
