import type { MigrationInterface, QueryRunner } from 'typeorm';

export class SecondFactors1795640000000 implements MigrationInterface {
  name = 'SecondFactors1795640000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "totp_factors" (
      "user_id" integer not null,
      "sealed_secret" bytea not null,
      "confirmed_at" timestamptz,
      "expires_at" timestamptz,
      "last_step" bigint,
      constraint "totp_factors_pk" primary key ("user_id"),
      constraint "totp_factors_user_fk" foreign key ("user_id") references "users" ("id") on delete cascade)`);
    await runner.query(`create index "totp_factors_expires_at" on "totp_factors" ("expires_at")`);

    await runner.query(`create table "recovery_codes" (
      "user_id" integer not null,
      "code_sha256" text not null,
      constraint "recovery_codes_pk" primary key ("user_id", "code_sha256"),
      constraint "recovery_codes_user_fk" foreign key ("user_id") references "users" ("id") on delete cascade)`);

    await runner.query(`create table "passkeys" (
      "id" integer generated always as identity not null,
      "user_id" integer not null,
      "name" text not null,
      "credential_id" text not null,
      "public_key" bytea not null,
      "counter" bigint not null,
      "transports" text array not null,
      "created_at" timestamptz not null,
      "last_used_at" timestamptz,
      constraint "passkeys_pk" primary key ("id"),
      constraint "passkeys_credential_id_unique" unique ("credential_id"),
      constraint "passkeys_user_fk" foreign key ("user_id") references "users" ("id") on delete cascade)`);
    await runner.query(`create index "passkeys_user_id" on "passkeys" ("user_id")`);

    await runner.query(`create table "passkey_challenges" (
      "challenge_sha256" text not null,
      "user_id" integer,
      "expires_at" timestamptz not null,
      constraint "passkey_challenges_pk" primary key ("challenge_sha256"),
      constraint "passkey_challenges_user_fk" foreign key ("user_id") references "users" ("id") on delete cascade)`);
    await runner.query(`create index "passkey_challenges_expires_at" on "passkey_challenges" ("expires_at")`);

    await runner.query(`create table "login_tickets" (
      "ticket_sha256" text not null,
      "user_id" integer not null,
      "password_sha256" text not null,
      "remember_me" boolean not null,
      "attempts" integer not null default 0,
      "expires_at" timestamptz not null,
      constraint "login_tickets_pk" primary key ("ticket_sha256"),
      constraint "login_tickets_user_fk" foreign key ("user_id") references "users" ("id") on delete cascade)`);
    await runner.query(`create index "login_tickets_expires_at" on "login_tickets" ("expires_at")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['login_tickets', 'passkey_challenges', 'passkeys', 'recovery_codes', 'totp_factors'])
      await runner.query(`drop table "${table}"`);
  }
}
