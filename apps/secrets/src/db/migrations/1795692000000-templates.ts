import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Values that are made of other secrets' values. */
export class Templates1795692000000 implements MigrationInterface {
  name = 'Templates1795692000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "secret_versions" add "is_template" boolean not null default false`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "secret_versions" drop "is_template"`);
  }
}
