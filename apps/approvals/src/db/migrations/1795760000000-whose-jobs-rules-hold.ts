import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Rules for the jobs of one organisation, or of one team's members. */
export class WhoseJobsRulesHold1795760000000 implements MigrationInterface {
  name = 'WhoseJobsRulesHold1795760000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'alter table "approval_rule" add column "applies_to_org" int, add column "applies_to_team" int',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'alter table "approval_rule" drop column "applies_to_org", drop column "applies_to_team"',
    );
  }
}
