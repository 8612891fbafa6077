import type { MigrationInterface, QueryRunner } from 'typeorm';

export class TeamOfRuns1795690000000 implements MigrationInterface {
  name = 'TeamOfRuns1795690000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "runs" add column "team_id" integer');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "runs" drop column "team_id"');
  }
}
