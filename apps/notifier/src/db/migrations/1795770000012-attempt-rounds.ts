import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A delivery that is sent once more has all its attempts again; what failed in a time is found by it. */
export class AttemptRounds1795770000012 implements MigrationInterface {
  name = 'AttemptRounds1795770000012';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "delivery" add "earlier_attempts" integer not null default 0`);
    await runner.query(
      `create index "delivery_failed" on "delivery" ("channel_id", "created_at") where state = 'failed'`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop index "delivery_failed"`);
    await runner.query(`alter table "delivery" drop column "earlier_attempts"`);
  }
}
