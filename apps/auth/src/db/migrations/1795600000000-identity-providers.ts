import type { MigrationInterface, QueryRunner } from 'typeorm';

export class IdentityProviders1795600000000 implements MigrationInterface {
  name = 'IdentityProviders1795600000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "at_rest_key" (
      "id" integer not null,
      "check_value" bytea not null,
      constraint "at_rest_key_pk" primary key ("id"))`);

    await runner.query(`create table "identity_providers" (
      "id" text not null,
      "name" text not null,
      "type" text not null,
      "enabled" boolean not null,
      "auto_create_users" boolean not null default true,
      "default_level" text not null,
      "level_mapping" jsonb not null,
      "config" jsonb not null,
      "sealed_secret" bytea,
      "created_at" timestamptz not null,
      "updated_at" timestamptz not null,
      constraint "identity_providers_pk" primary key ("id"),
      constraint "identity_providers_name_unique" unique ("name"))`);

    await runner.query(`create table "external_identities" (
      "provider_id" text not null,
      "subject" text not null,
      "user_id" integer not null,
      "created_at" timestamptz not null,
      "last_login_at" timestamptz not null,
      constraint "external_identities_pk" primary key ("provider_id", "subject"),
      constraint "external_identities_user_fk" foreign key ("user_id") references "users" ("id") on delete cascade)`);
    await runner.query(`create index "external_identities_user_id" on "external_identities" ("user_id")`);

    await runner.query(`create table "oidc_states" (
      "state_sha256" text not null,
      "provider_id" text not null,
      "browser_sha256" text not null,
      "nonce" text not null,
      "sealed_verifier" bytea not null,
      "redirect_uri" text not null,
      "return_to" text,
      "expires_at" timestamptz not null,
      constraint "oidc_states_pk" primary key ("state_sha256"))`);
    await runner.query(`create index "oidc_states_expires_at" on "oidc_states" ("expires_at")`);

    await runner.query(`create table "oidc_logouts" (
      "provider_id" text not null,
      "jti" text not null,
      "expires_at" timestamptz not null,
      constraint "oidc_logouts_pk" primary key ("provider_id", "jti"))`);
    await runner.query(`create index "oidc_logouts_expires_at" on "oidc_logouts" ("expires_at")`);

    await runner.query(`alter table "sessions" add "provider_id" text, add "provider_sid" text`);
    await runner.query(`create index "sessions_provider" on "sessions" ("provider_id", "provider_sid")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "sessions" drop column "provider_sid", drop column "provider_id"`);
    const tables = [
      'oidc_logouts',
      'oidc_states',
      'external_identities',
      'identity_providers',
      'at_rest_key',
    ];
    for (const table of tables) await runner.query(`drop table "${table}"`);
  }
}
