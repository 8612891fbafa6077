import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Several events in one mail: as somebody wants it, or as they are too many. */
export class Digests1795770000043 implements MigrationInterface {
  name = 'Digests1795770000043';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "own_preference"
      add column "digest" text not null default 'immediately',
      add column "digest_hour" integer not null default 8,
      add column "throttle" jsonb`);
    await runner.query(`create table "collected" (
      "id" bigint generated always as identity not null,
      "delivery_id" uuid not null,
      "event_id" uuid not null,
      "body" text not null,
      constraint "collected_pk" primary key ("id"),
      constraint "collected_delivery_fk" foreign key ("delivery_id") references "delivery" ("id") on delete cascade)`);
    await runner.query(`create unique index "collected_once" on "collected" ("delivery_id", "event_id")`);
    await runner.query(`create index "collected_event" on "collected" ("event_id")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table "collected"`);
    await runner.query(
      `alter table "own_preference" drop column "throttle", drop column "digest_hour", drop column "digest"`,
    );
  }
}
