import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who cancelled a job. */
export class Cancellers1795711000001 implements MigrationInterface {
  name = 'Cancellers1795711000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "jobs" add "cancelled_by" json`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "jobs" drop "cancelled_by"`);
  }
}
