import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AuthTables1767312000000 implements MigrationInterface {
  name = 'AuthTables1767312000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "users" (
      "id" integer generated always as identity not null,
      "username" text not null,
      "email" text not null,
      "display_name" text not null,
      "level" text not null,
      "is_active" boolean not null default true,
      "password_hash" text,
      "created_at" timestamptz not null,
      "last_login_at" timestamptz,
      constraint "users_pk" primary key ("id"))`);
    // One person may not pose as another by a capital letter.
    await runner.query(`create unique index "users_username_lower" on "users" (lower("username"))`);
    await runner.query(`create unique index "users_email_lower" on "users" (lower("email"))`);

    await runner.query(`create table "permission_overrides" (
      "user_id" integer not null,
      "permission" text not null,
      "granted" boolean not null,
      constraint "permission_overrides_pk" primary key ("user_id", "permission"),
      constraint "permission_overrides_user_fk" foreign key ("user_id") references "users" ("id") on delete cascade)`);

    await runner.query(`create table "sessions" (
      "id" integer generated always as identity not null,
      "user_id" integer not null,
      "token_sha256" text not null,
      "csrf_sha256" text not null,
      "created_at" timestamptz not null,
      "expires_at" timestamptz not null,
      "last_seen_at" timestamptz not null,
      "address" text not null,
      "user_agent" text not null,
      constraint "sessions_pk" primary key ("id"),
      constraint "sessions_token_sha256_unique" unique ("token_sha256"),
      constraint "sessions_user_fk" foreign key ("user_id") references "users" ("id") on delete cascade)`);
    await runner.query(`create index "sessions_user_id" on "sessions" ("user_id")`);
    await runner.query(`create index "sessions_expires_at" on "sessions" ("expires_at")`);

    await runner.query(`create table "api_keys" (
      "id" integer generated always as identity not null,
      "user_id" integer not null,
      "name" text not null,
      "key_prefix" text not null,
      "token_sha256" text not null,
      "scoped_permissions" text array,
      "created_at" timestamptz not null,
      "expires_at" timestamptz,
      "last_used_at" timestamptz,
      "revoked_at" timestamptz,
      constraint "api_keys_pk" primary key ("id"),
      constraint "api_keys_token_sha256_unique" unique ("token_sha256"),
      constraint "api_keys_user_fk" foreign key ("user_id") references "users" ("id") on delete cascade)`);
    await runner.query(`create index "api_keys_user_id" on "api_keys" ("user_id")`);

    await runner.query(`create table "login_failures" (
      "key" text not null,
      "failures" integer not null,
      "last_failure_at" timestamptz not null,
      "blocked_until" timestamptz,
      constraint "login_failures_pk" primary key ("key"))`);
    await runner.query(
      `create index "login_failures_last_failure_at" on "login_failures" ("last_failure_at")`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['login_failures', 'api_keys', 'sessions', 'permission_overrides', 'users'])
      await runner.query(`drop table "${table}"`);
  }
}
