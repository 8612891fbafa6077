import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Secrets that are given to a job only with an approval, and the approvals that a claim has. */
export class ApprovalsOfSecrets1795710000000 implements MigrationInterface {
  name = 'ApprovalsOfSecrets1795710000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "secrets" add "approval_level" text`);
    await runner.query(`alter table "claims" add "approved" json not null default '[]'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "claims" drop "approved"`);
    await runner.query(`alter table "secrets" drop "approval_level"`);
  }
}
