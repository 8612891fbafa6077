import type { MigrationInterface, QueryRunner } from 'typeorm';

export class LeaksOfRuns1795691000000 implements MigrationInterface {
  name = 'LeaksOfRuns1795691000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "runs" add column "leaked" json');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "runs" drop column "leaked"');
  }
}
