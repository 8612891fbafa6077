import type { MigrationInterface, QueryRunner } from 'typeorm';

export class SecretUses1795730000000 implements MigrationInterface {
  name = 'SecretUses1795730000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "runs" add column "secret_uses" json');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "runs" drop column "secret_uses"');
  }
}
