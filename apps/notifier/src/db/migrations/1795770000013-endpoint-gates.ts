import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How much may be sent to an endpoint, and whether anything: by its state, the same for all replicas. */
export class EndpointGates1795770000013 implements MigrationInterface {
  name = 'EndpointGates1795770000013';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "endpoint"
      add "failures_in_row" integer not null default 0,
      add "open_until" timestamptz,
      add "tokens" double precision not null default 0,
      add "counted_at" timestamptz not null default 'epoch'`);
    await runner.query(`alter table "delivery" add "waits_for" text`);
    await runner.query(`drop index "delivery_due"`);
    await runner.query(
      `create index "delivery_due" on "delivery" ("channel_id", "next_attempt_at") where next_attempt_at is not null`,
    );
    await runner.query(
      `create index "delivery_under_way" on "delivery" ("channel_id") where holder is not null`,
    );
    await runner.query(`update "channel"
      set "settings" = "settings" || '{"maxConcurrent": 4, "maxPerSecond": 20}' where "channel_type" = 'webhook'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`update "channel" set "settings" = "settings" - 'maxConcurrent' - 'maxPerSecond'`);
    await runner.query(`drop index "delivery_under_way"`);
    await runner.query(`drop index "delivery_due"`);
    await runner.query(
      `create index "delivery_due" on "delivery" ("next_attempt_at") where next_attempt_at is not null`,
    );
    await runner.query(`alter table "delivery" drop column "waits_for"`);
    await runner.query(`alter table "endpoint"
      drop column "counted_at", drop column "tokens", drop column "open_until", drop column "failures_in_row"`);
  }
}
