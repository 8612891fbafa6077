import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What finds runs that ended long ago. */
export class EndOfRuns1795711000005 implements MigrationInterface {
  name = 'EndOfRuns1795711000005';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create index "runs_ended" on "runs" ("ended_at") where state = 'ended'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop index "runs_ended"`);
  }
}
