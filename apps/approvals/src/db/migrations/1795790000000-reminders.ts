import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How often somebody was reminded of a request. */
export class Reminders1795790000000 implements MigrationInterface {
  name = 'Reminders1795790000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "approval_request" add column "reminders" int not null default 0');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "approval_request" drop column "reminders"');
  }
}
