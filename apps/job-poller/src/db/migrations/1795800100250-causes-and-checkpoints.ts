import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Why a run failed, and where it keeps what the next attempt goes on from. */
export class CausesAndCheckpoints1795800100250 implements MigrationInterface {
  name = 'CausesAndCheckpoints1795800100250';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "runs" add column "cause" text, add column "checkpoint_path" text');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "runs" drop column "cause", drop column "checkpoint_path"');
  }
}
