import type { MigrationInterface, QueryRunner } from 'typeorm';

export class PasswordResets1795630000000 implements MigrationInterface {
  name = 'PasswordResets1795630000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "password_resets" (
      "id" uuid not null,
      "user_id" integer,
      "token_sha256" text,
      "links" integer not null,
      "expires_at" timestamptz not null,
      constraint "password_resets_pk" primary key ("id"),
      constraint "password_resets_token_sha256_unique" unique ("token_sha256"),
      constraint "password_resets_user_fk" foreign key ("user_id") references "users" ("id") on delete cascade)`);
    await runner.query(`create index "password_resets_user_id" on "password_resets" ("user_id")`);
    await runner.query(`create index "password_resets_expires_at" on "password_resets" ("expires_at")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table "password_resets"`);
  }
}
