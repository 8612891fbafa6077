import type { MigrationInterface, QueryRunner } from 'typeorm';

export class OrgOfRequests1795672000000 implements MigrationInterface {
  name = 'OrgOfRequests1795672000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "approval_request" add column "org_id" int');
    await runner.query('create index "approval_request_org" on "approval_request" ("org_id", "seq")');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "approval_request" drop column "org_id"');
  }
}
