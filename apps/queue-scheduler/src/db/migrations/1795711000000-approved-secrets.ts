import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What somebody said yes to with a job. */
export class ApprovedSecrets1795711000000 implements MigrationInterface {
  name = 'ApprovedSecrets1795711000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "jobs" add "approved_secrets" json not null default '[]'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "jobs" drop "approved_secrets"`);
  }
}
