import type { MigrationInterface, QueryRunner } from 'typeorm';

const SEALED = `"kek_id" text not null, "wrapped_key" bytea not null, "nonce" bytea not null, "ciphertext" bytea not null`;

export class Secrets1767225610000 implements MigrationInterface {
  name = 'Secrets1767225610000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "kek" (
      "id" text not null,
      "check_value" bytea not null,
      "created_at" timestamptz not null default now(),
      constraint "kek_pk" primary key ("id"))`);
    await runner.query(`create table "sealing_keys" (
      "id" text not null,
      ${SEALED},
      "created_at" timestamptz not null default now(),
      constraint "sealing_keys_pk" primary key ("id"),
      constraint "sealing_keys_kek_fk" foreign key ("kek_id") references "kek" ("id"))`);
    await runner.query(`create table "secrets" (
      "id" uuid not null,
      "scope" text not null default 'global',
      "name" text not null,
      "description" text,
      "current_version" integer not null,
      "created_at" timestamptz not null,
      "updated_at" timestamptz not null,
      constraint "secrets_pk" primary key ("id"))`);
    await runner.query(`create unique index "secrets_scope_name" on "secrets" ("scope", "name")`);
    await runner.query(`create table "secret_versions" (
      "secret_id" uuid not null,
      "version" integer not null,
      ${SEALED},
      "created_at" timestamptz not null,
      "created_by" integer,
      constraint "secret_versions_pk" primary key ("secret_id", "version"),
      constraint "secret_versions_secret_fk" foreign key ("secret_id") references "secrets" ("id") on delete cascade,
      constraint "secret_versions_kek_fk" foreign key ("kek_id") references "kek" ("id"))`);
    await runner.query(`create table "access_log" (
      "id" bigint generated always as identity not null,
      "at" timestamptz not null,
      "name" text not null,
      "asked_by" text not null,
      "purpose" text not null,
      "job_id" text,
      "attempt" integer,
      "user_id" integer,
      "provider" text,
      "channel_id" integer,
      "outcome" text not null,
      "source" text,
      "scope" text,
      "version" integer,
      constraint "access_log_pk" primary key ("id"))`);
    await runner.query(`create index "access_log_name" on "access_log" ("name", "id")`);
    await runner.query(`create index "access_log_job" on "access_log" ("job_id") where job_id is not null`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['access_log', 'secret_versions', 'secrets', 'sealing_keys', 'kek'])
      await runner.query(`drop table "${table}"`);
  }
}
