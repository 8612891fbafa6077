import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Mailboxes1795770000002 implements MigrationInterface {
  name = 'Mailboxes1795770000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "mailbox_cursor" (
      "channel_id" integer not null,
      "mailbox" text not null,
      "uidvalidity" bigint not null,
      "last_uid" bigint not null,
      "since" timestamptz not null default now(),
      constraint "mailbox_cursor_pk" primary key ("channel_id", "mailbox"),
      constraint "mailbox_cursor_channel_fk" foreign key ("channel_id") references "channel" ("id") on delete cascade)`);
    await runner.query(`create table "received_mail" (
      "id" uuid not null,
      "channel_id" integer not null,
      "mailbox" text not null,
      "uidvalidity" bigint not null,
      "uid" bigint not null,
      "message_id" text,
      "from_address" text,
      "kind" text not null,
      "sender" text,
      "verdict" text,
      "why" text,
      "at" timestamptz not null default now(),
      constraint "received_mail_pk" primary key ("id"))`);
    await runner.query(
      `create unique index "received_mail_once" on "received_mail" ("channel_id", "mailbox", "uidvalidity", "uid")`,
    );
    await runner.query(
      `create unique index "received_mail_message" on "received_mail" ("channel_id", "message_id") where message_id is not null`,
    );
    await runner.query(`create index "received_mail_at" on "received_mail" ("at")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['received_mail', 'mailbox_cursor']) await runner.query(`drop table "${table}"`);
  }
}
