import type { MigrationInterface, QueryRunner } from 'typeorm';

export class OrgOfRuns1795673000000 implements MigrationInterface {
  name = 'OrgOfRuns1795673000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "runs" add column "org_id" integer');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "runs" drop column "org_id"');
  }
}
