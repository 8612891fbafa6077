import type { MigrationInterface, QueryRunner } from 'typeorm';

export class OrganizationsAndQuotas1795670000000 implements MigrationInterface {
  name = 'OrganizationsAndQuotas1795670000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "organizations" (
      "id" integer generated always as identity not null,
      "name" text not null,
      "slug" text not null,
      "description" text not null,
      "settings" jsonb not null,
      "created_at" timestamptz not null,
      "updated_at" timestamptz not null,
      constraint "organizations_pk" primary key ("id"))`);
    await runner.query(`create unique index "organizations_slug" on "organizations" ("slug")`);

    await runner.query(`create table "teams" (
      "id" integer generated always as identity not null,
      "org_id" integer not null,
      "name" text not null,
      "slug" text not null,
      "description" text not null,
      "settings" jsonb not null,
      "created_at" timestamptz not null,
      "updated_at" timestamptz not null,
      constraint "teams_pk" primary key ("id"),
      constraint "teams_org_fk" foreign key ("org_id") references "organizations" ("id"))`);
    await runner.query(`create unique index "teams_slug" on "teams" ("org_id", "slug")`);

    await runner.query(`create table "org_members" (
      "user_id" integer not null,
      "org_id" integer not null,
      "joined_at" timestamptz not null,
      constraint "org_members_pk" primary key ("user_id"),
      constraint "org_members_user_fk" foreign key ("user_id") references "users" ("id") on delete cascade,
      constraint "org_members_org_fk" foreign key ("org_id") references "organizations" ("id"))`);
    await runner.query(`create index "org_members_org_id" on "org_members" ("org_id", "user_id")`);

    await runner.query(`create table "team_members" (
      "team_id" integer not null,
      "user_id" integer not null,
      "role" text not null,
      "joined_at" timestamptz not null,
      constraint "team_members_pk" primary key ("team_id", "user_id"),
      constraint "team_members_team_fk" foreign key ("team_id") references "teams" ("id") on delete cascade,
      constraint "team_members_member_fk" foreign key ("user_id") references "org_members" ("user_id") on delete cascade)`);
    await runner.query(`create index "team_members_user_id" on "team_members" ("user_id")`);

    await runner.query(`create table "quotas" (
      "id" integer generated always as identity not null,
      "scope" text not null,
      "subject" text not null,
      "quota_type" text not null,
      "limit" numeric not null,
      "action" text not null,
      "created_at" timestamptz not null,
      "updated_at" timestamptz not null,
      constraint "quotas_pk" primary key ("id"))`);
    await runner.query(`create unique index "quotas_key" on "quotas" ("scope", "subject", "quota_type")`);
    // Numbers the changes of quotas, also of those that are gone: what is told of them is put in order by it.
    await runner.query(`create sequence "quota_changes"`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop sequence "quota_changes"`);
    for (const table of ['quotas', 'team_members', 'org_members', 'teams', 'organizations'])
      await runner.query(`drop table "${table}"`);
  }
}
