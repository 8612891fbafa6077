import type { MigrationInterface, QueryRunner } from 'typeorm';

export class WebhookHints1795800100300 implements MigrationInterface {
  name = 'WebhookHints1795800100300';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "runs" add column "hinted" boolean not null default false`);
    await runner.query('create index "runs_of_external_id" on "runs" ("provider", "external_id")');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index "runs_of_external_id"');
    await runner.query('alter table "runs" drop column "hinted"');
  }
}
