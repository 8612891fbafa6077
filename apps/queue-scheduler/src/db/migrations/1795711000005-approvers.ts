import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who said yes to a job. */
export class Approvers1795711000005 implements MigrationInterface {
  name = 'Approvers1795711000005';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "jobs" add "approved_by" json`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "jobs" drop "approved_by"`);
  }
}
