import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whether the first rule that holds a job decides alone. */
export class HowRulesCombine1795760000001 implements MigrationInterface {
  name = 'HowRulesCombine1795760000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "rules_version" add column "combine" text not null default 'first'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "rules_version" drop column "combine"');
  }
}
