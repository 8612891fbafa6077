import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who was not told of an event, and why. */
export class EventSkips1795770000014 implements MigrationInterface {
  name = 'EventSkips1795770000014';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "event_skips" (
      "event_id" uuid not null,
      "event_type" text not null,
      "skips" jsonb not null,
      "heard_at" timestamptz not null default now(),
      constraint "event_skips_pk" primary key ("event_id"))`);
    await runner.query(`create index "event_skips_heard" on "event_skips" ("heard_at")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table "event_skips"`);
  }
}
