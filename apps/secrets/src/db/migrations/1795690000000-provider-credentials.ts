import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  `create table "provider_policies" (
    "provider" text not null,
    "policy" text not null,
    "updated_at" timestamptz not null,
    "updated_by" integer not null,
    constraint "provider_policies_pk" primary key ("provider"))`,
  `create table "provider_credentials" (
    "id" integer generated always as identity not null,
    "user_id" integer not null,
    "provider" text not null,
    "secret_id" uuid not null,
    "created_at" timestamptz not null,
    "previous_version" integer,
    "checked" text,
    "checked_version" integer,
    "checked_at" timestamptz,
    "last_used_at" timestamptz,
    constraint "provider_credentials_pk" primary key ("id"),
    constraint "provider_credentials_secret_fk" foreign key ("secret_id") references "secrets" ("id") on delete cascade)`,
  `create unique index "provider_credentials_secret" on "provider_credentials" ("secret_id", "provider")`,
  `create index "provider_credentials_user" on "provider_credentials" ("user_id")`,
  `create table "grants" (
    "id" bigint generated always as identity not null,
    "job_id" text not null,
    "attempt" integer not null,
    "purpose" text not null,
    "name" text not null,
    "source" text not null,
    "scope" text not null,
    "version" integer,
    "user_id" integer not null,
    "org_id" integer,
    "granted_at" timestamptz not null,
    "ended_at" timestamptz,
    constraint "grants_pk" primary key ("id"),
    constraint "grants_of_attempt" unique ("job_id", "attempt", "purpose", "name"))`,
  `create table "claims" (
    "job_id" text not null,
    "attempt" integer not null,
    "claim_id" uuid,
    "user_id" integer not null,
    "team_id" integer,
    "org_id" integer,
    "provider" text not null,
    "names" text[] not null,
    "claimed_at" timestamptz not null,
    "ended_at" timestamptz,
    constraint "claims_pk" primary key ("job_id", "attempt"))`,
  `create index "grants_open" on "grants" ("scope", "name") where ended_at is null`,
];

/** People's own credentials of providers, the claims of jobs that name secrets, and what each attempt was given. */
export class ProviderCredentials1795690000000 implements MigrationInterface {
  name = 'ProviderCredentials1795690000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['claims', 'grants', 'provider_credentials', 'provider_policies'])
      await runner.query(`drop table "${table}"`);
  }
}
