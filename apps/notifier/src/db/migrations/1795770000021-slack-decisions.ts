import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Decisions by buttons in Slack: what was asked there, how it ended, and who presses. */
export class SlackDecisions1795770000021 implements MigrationInterface {
  name = 'SlackDecisions1795770000021';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "slack_question" (
      "delivery_id" uuid not null,
      "channel_id" integer not null,
      "approval_id" uuid not null,
      "job_id" text not null,
      "slack_channel" text not null,
      "ts" text,
      "body" text not null,
      "is_over" boolean not null default false,
      "next_try_at" timestamptz not null default now(),
      "created_at" timestamptz not null default now(),
      constraint "slack_question_pk" primary key ("delivery_id"),
      constraint "slack_question_channel_fk" foreign key ("channel_id") references "channel" ("id") on delete cascade)`);
    await runner.query(
      `create index "slack_question_approval" on "slack_question" ("approval_id", "channel_id")`,
    );
    await runner.query(`create index "slack_question_at" on "slack_question" ("created_at")`);
    await runner.query(`create table "slack_outcome" (
      "approval_id" uuid not null,
      "outcome" jsonb not null,
      "created_at" timestamptz not null default now(),
      constraint "slack_outcome_pk" primary key ("approval_id"))`);
    await runner.query(`create index "slack_outcome_at" on "slack_outcome" ("created_at")`);
    await runner.query(`create table "slack_link" (
      "id" integer generated always as identity not null,
      "channel_id" integer not null,
      "team_id" text not null,
      "slack_user_id" text not null,
      "slack_name" text not null,
      "user_id" integer not null,
      "created_at" timestamptz not null default now(),
      constraint "slack_link_pk" primary key ("id"),
      constraint "slack_link_channel_fk" foreign key ("channel_id") references "channel" ("id") on delete cascade)`);
    await runner.query(
      `create unique index "slack_link_once" on "slack_link" ("channel_id", "team_id", "slack_user_id")`,
    );
    await runner.query(`create index "slack_link_user" on "slack_link" ("user_id")`);
    await runner.query(`create table "slack_link_code" (
      "channel_id" integer not null,
      "team_id" text not null,
      "slack_user_id" text not null,
      "slack_name" text not null,
      "code_sha256" text not null,
      "expires_at" timestamptz not null,
      constraint "slack_link_code_pk" primary key ("channel_id", "team_id", "slack_user_id"),
      constraint "slack_link_code_channel_fk" foreign key ("channel_id") references "channel" ("id") on delete cascade)`);
    await runner.query(`create unique index "slack_link_code_sha256" on "slack_link_code" ("code_sha256")`);
    await runner.query(`create table "slack_seen" (
      "signature" text not null,
      "at" timestamptz not null default now(),
      constraint "slack_seen_pk" primary key ("signature"))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['slack_seen', 'slack_link_code', 'slack_link', 'slack_outcome', 'slack_question'])
      await runner.query(`drop table "${table}"`);
  }
}
