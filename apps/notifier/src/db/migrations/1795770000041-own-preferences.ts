import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What people say of events about themselves. */
export class OwnPreferences1795770000041 implements MigrationInterface {
  name = 'OwnPreferences1795770000041';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "own_preference" (
      "user_id" integer not null,
      "event_type" text not null,
      "is_enabled" boolean not null,
      "min_severity" text not null,
      "channel_id" integer,
      "updated_at" timestamptz not null default now(),
      constraint "own_preference_pk" primary key ("user_id", "event_type"),
      constraint "own_preference_channel_fk" foreign key ("channel_id") references "channel" ("id") on delete set null)`);
    await runner.query(`create index "own_preference_channel" on "own_preference" ("channel_id")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table "own_preference"`);
  }
}
