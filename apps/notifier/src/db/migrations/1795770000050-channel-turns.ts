import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who sends a delivery is beside it, and what an endpoint keeps back is seen from the endpoint. */
export class ChannelTurns1795770000050 implements MigrationInterface {
  name = 'ChannelTurns1795770000050';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "claim" (
      "delivery_id" uuid not null,
      "channel_id" integer not null,
      "holder" uuid not null,
      "held_until" timestamptz not null,
      "attempt" integer not null,
      constraint "claim_pk" primary key ("delivery_id"))
      with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0)`);
    await runner.query(`create index "claim_channel" on "claim" ("channel_id")`);
    await runner.query(`insert into "claim" ("delivery_id", "channel_id", "holder", "held_until", "attempt")
      select "id", "channel_id", "holder", "held_until", "attempts" from "delivery" where "holder" is not null`);
    await runner.query(`drop index "delivery_under_way"`);
    await runner.query(`alter table "delivery" drop column "holder", drop column "held_until"`);
    await runner.query(
      `update "delivery" set "waits_for" = null where "waits_for" in ('breaker', 'concurrency', 'rate')`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "delivery" add "holder" uuid, add "held_until" timestamptz`);
    await runner.query(
      `create index "delivery_under_way" on "delivery" ("channel_id") where holder is not null`,
    );
    await runner.query(`update "delivery" d set "holder" = c."holder", "held_until" = c."held_until"
      from "claim" c where c."delivery_id" = d."id"`);
    await runner.query(`drop table "claim"`);
  }
}
