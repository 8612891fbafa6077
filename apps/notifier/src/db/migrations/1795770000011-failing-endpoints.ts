import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Since when an endpoint has only failed, and when its channel was switched off. */
export class FailingEndpoints1795770000011 implements MigrationInterface {
  name = 'FailingEndpoints1795770000011';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "endpoint" (
      "channel_id" integer not null,
      "failing_since" timestamptz,
      "last_failed_at" timestamptz,
      constraint "endpoint_pk" primary key ("channel_id"))`);
    await runner.query(`insert into "endpoint" ("channel_id")
      select "id" from "channel" union select "channel_id" from "delivery" where "next_attempt_at" is not null`);
    await runner.query(`alter table "channel" add "disabled_at" timestamptz`);
    await runner.query(`update "channel" set "disabled_at" = "updated_at" where not "is_enabled"`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "channel" drop column "disabled_at"`);
    await runner.query(`drop table "endpoint"`);
  }
}
