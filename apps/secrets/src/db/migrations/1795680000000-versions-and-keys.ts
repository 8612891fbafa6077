import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  // Keys from before keys were random have no wrapped form until the first start with their master key.
  `alter table "kek" add "version" integer, add "root_id" text, add "wrapped" bytea, alter "check_value" drop not null`,
  `update "kek" set "version" = numbered.version from
     (select "id", row_number() over (order by "created_at") as version from "kek") numbered where numbered."id" = "kek"."id"`,
  `alter table "kek" alter "version" set not null`,
  `create unique index "kek_version" on "kek" ("version")`,
  `alter table "secrets" add "deleted_at" timestamptz, add "expires_at" timestamptz, add "told_expiring" timestamptz, add "told_stale" integer`,
  `alter table "secret_versions" add "fingerprint" bytea`,
  `create index "secret_versions_kek" on "secret_versions" ("kek_id")`,
  `create table "secret_changes" (
    "id" bigint generated always as identity not null,
    "secret_id" uuid not null,
    "at" timestamptz not null,
    "kind" text not null,
    "version" integer not null,
    "of_version" integer,
    "by_user" integer,
    constraint "secret_changes_pk" primary key ("id"),
    constraint "secret_changes_secret_fk" foreign key ("secret_id") references "secrets" ("id") on delete cascade)`,
  `create index "secret_changes_secret" on "secret_changes" ("secret_id", "id")`,
  `insert into "secret_changes" ("secret_id", "at", "kind", "version", "by_user")
     select "secret_id", "created_at", 'set', "version", "created_by" from "secret_versions" order by "created_at", "version"`,
  `create table "key_works" (
    "id" integer generated always as identity not null,
    "kind" text not null,
    "started_at" timestamptz not null,
    "started_by" integer,
    "ended_at" timestamptz,
    "total" integer not null,
    "done" integer not null default 0,
    "failed" integer not null default 0,
    "after_secret" uuid,
    "after_version" integer,
    constraint "key_works_pk" primary key ("id"))`,
];

const DOWN = [
  `drop table "key_works"`,
  `drop table "secret_changes"`,
  `drop index "secret_versions_kek"`,
  `alter table "secret_versions" drop "fingerprint"`,
  `delete from "secrets" where "deleted_at" is not null`,
  `alter table "secrets" drop "deleted_at", drop "expires_at", drop "told_expiring", drop "told_stale"`,
  `drop index "kek_version"`,
  // What random keys wrap, nothing from before could open: there is no way back for it.
  `delete from "secrets" where "id" in (select "secret_id" from "secret_versions" v join "kek" k on k."id" = v."kek_id" where k."check_value" is null)`,
  `delete from "sealing_keys" where "kek_id" in (select "id" from "kek" where "check_value" is null)`,
  `delete from "kek" where "check_value" is null`,
  `alter table "kek" drop "version", drop "root_id", drop "wrapped", alter "check_value" set not null`,
];

/** Versions that can be taken up again, and keys that can be changed. */
export class VersionsAndKeys1795680000000 implements MigrationInterface {
  name = 'VersionsAndKeys1795680000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}
