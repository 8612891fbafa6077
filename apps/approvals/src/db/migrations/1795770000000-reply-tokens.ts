import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Tokens for answers by mail. */
export class ReplyTokens1795770000000 implements MigrationInterface {
  name = 'ReplyTokens1795770000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "reply_token" (
      "token_sha256" text not null,
      "request_id" uuid not null,
      "user_id" int not null,
      "created_at" timestamptz not null,
      "expires_at" timestamptz not null,
      "spent_at" timestamptz,
      constraint "reply_token_pk" primary key ("token_sha256"),
      constraint "reply_token_request_fk" foreign key ("request_id") references "approval_request" ("id") on delete cascade)`);
    await runner.query('create index "reply_token_request" on "reply_token" ("request_id")');
    await runner.query('create index "reply_token_expires" on "reply_token" ("expires_at")');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table "reply_token"');
  }
}
