import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What stands in for a channel that is off, or has failed for good. */
export class Fallbacks1795770000045 implements MigrationInterface {
  name = 'Fallbacks1795770000045';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "channel_fallback" (
      "channel_id" integer not null,
      "fallback_id" integer not null,
      constraint "channel_fallback_pk" primary key ("channel_id"),
      constraint "channel_fallback_channel_fk" foreign key ("channel_id") references "channel" ("id") on delete cascade,
      constraint "channel_fallback_fallback_fk" foreign key ("fallback_id") references "channel" ("id") on delete cascade)`);
    await runner.query(`create index "channel_fallback_for" on "channel_fallback" ("fallback_id")`);
    await runner.query(`alter table "delivery" add column "instead_of" integer`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "delivery" drop column "instead_of"`);
    await runner.query(`drop table "channel_fallback"`);
  }
}
