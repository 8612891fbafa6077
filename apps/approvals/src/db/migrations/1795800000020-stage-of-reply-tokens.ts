import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A mail is about one stage: those that were sent before are about the one that their request is in. */
export class StageOfReplyTokens1795800000020 implements MigrationInterface {
  name = 'StageOfReplyTokens1795800000020';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "reply_token" add column "stage" int not null default 0');
    await runner.query(
      'update "reply_token" t set "stage" = r."stage" from "approval_request" r where r."id" = t."request_id"',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "reply_token" drop column "stage"');
  }
}
