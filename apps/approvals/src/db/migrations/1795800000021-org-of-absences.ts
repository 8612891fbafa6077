import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Absences that were told before, at most 90 days long, are shown to who sees all. */
export class OrgOfAbsences1795800000021 implements MigrationInterface {
  name = 'OrgOfAbsences1795800000021';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "absence" add column "org_id" int');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "absence" drop column "org_id"');
  }
}
