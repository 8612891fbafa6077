import type { MigrationInterface, QueryRunner } from 'typeorm';

/** By which a bounce, or an automatic answer, is known as that of a mail of ours. */
export class ApprovalMails1795770000030 implements MigrationInterface {
  name = 'ApprovalMails1795770000030';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "approval_mail" (
      "token_sha256" text not null,
      "delivery_id" uuid not null,
      "unreached" text,
      constraint "approval_mail_pk" primary key ("token_sha256"),
      constraint "approval_mail_delivery_fk" foreign key ("delivery_id") references "delivery" ("id") on delete cascade)`);
    await runner.query(`create index "approval_mail_delivery" on "approval_mail" ("delivery_id")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table "approval_mail"`);
  }
}
