import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Where in Slack each job is told of. */
export class SlackThreads1795770000020 implements MigrationInterface {
  name = 'SlackThreads1795770000020';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "slack_thread" (
      "channel_id" integer not null,
      "slack_channel" text not null,
      "job_id" text not null,
      "ts" text,
      "opener" uuid not null,
      "opening_until" timestamptz not null,
      "created_at" timestamptz not null default now(),
      constraint "slack_thread_pk" primary key ("channel_id", "slack_channel", "job_id"),
      constraint "slack_thread_channel_fk" foreign key ("channel_id") references "channel" ("id") on delete cascade)`);
    await runner.query(`create index "slack_thread_at" on "slack_thread" ("created_at")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table "slack_thread"`);
  }
}
