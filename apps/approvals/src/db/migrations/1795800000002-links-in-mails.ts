import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Tokens for the links of mails, and above which cost they take a login. */
export class LinksInMails1795800000002 implements MigrationInterface {
  name = 'LinksInMails1795800000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "reply_token"
      add column "kind" text not null default 'reply',
      add column "nonce_sha256" text,
      add column "nonce_until" timestamptz`);
    await runner.query(
      'alter table "approval_settings" add column "link_login_above_usd" numeric(14,4) default 100',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "approval_settings" drop column "link_login_above_usd"');
    await runner.query(`delete from "reply_token" where "kind" = 'link'`);
    await runner.query(
      'alter table "reply_token" drop column "kind", drop column "nonce_sha256", drop column "nonce_until"',
    );
  }
}
