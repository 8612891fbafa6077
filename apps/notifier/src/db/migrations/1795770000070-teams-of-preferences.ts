import type { MigrationInterface, QueryRunner } from 'typeorm';

export class TeamsOfPreferences1795770000070 implements MigrationInterface {
  name = 'TeamsOfPreferences1795770000070';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "preference" add column "team_id" integer`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "preference" drop column "team_id"`);
  }
}
