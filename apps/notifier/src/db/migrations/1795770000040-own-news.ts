import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whom a delivery is for, where it is for one person alone. */
export class OwnNews1795770000040 implements MigrationInterface {
  name = 'OwnNews1795770000040';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "delivery" add column "user_id" integer`);
    await runner.query(
      `create index "delivery_person" on "delivery" ("user_id", "event_id") where user_id is not null`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "delivery" drop column "user_id"`);
  }
}
