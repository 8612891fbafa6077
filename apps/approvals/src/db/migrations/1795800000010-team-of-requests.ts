import type { MigrationInterface, QueryRunner } from 'typeorm';

export class TeamOfRequests1795800000010 implements MigrationInterface {
  name = 'TeamOfRequests1795800000010';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "approval_request" add column "team_id" int');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "approval_request" drop column "team_id"');
  }
}
