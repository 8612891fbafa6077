import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Requests that several levels are asked for by. */
export class AlsoLevels1795712000000 implements MigrationInterface {
  name = 'AlsoLevels1795712000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `alter table "approval_request" add column "also_levels" text[] not null default '{}'`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "approval_request" drop column "also_levels"');
  }
}
