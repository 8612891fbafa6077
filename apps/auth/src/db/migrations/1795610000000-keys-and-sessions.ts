import type { MigrationInterface, QueryRunner } from 'typeorm';

export class KeysAndSessions1795610000000 implements MigrationInterface {
  name = 'KeysAndSessions1795610000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "users" add column "kind" text not null default 'person'`);
    await runner.query(`alter table "users" alter column "email" drop not null`);

    await runner.query(`alter table "api_keys"
      add column "allowed_cidrs" text array,
      add column "made_by" integer,
      add column "replaced_by" integer,
      add constraint "api_keys_made_by_fk" foreign key ("made_by") references "users" ("id"),
      add constraint "api_keys_replaced_by_fk" foreign key ("replaced_by") references "api_keys" ("id")`);

    await runner.query(`create table "known_devices" (
      "user_id" integer not null,
      "agent_family" text not null,
      "address_group" text not null,
      "first_seen_at" timestamptz not null,
      "last_seen_at" timestamptz not null,
      constraint "known_devices_pk" primary key ("user_id", "agent_family", "address_group"),
      constraint "known_devices_user_fk" foreign key ("user_id") references "users" ("id") on delete cascade)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table "known_devices"`);
    await runner.query(
      `alter table "api_keys" drop column "replaced_by", drop column "made_by", drop column "allowed_cidrs"`,
    );
    // Who has no address gets the one that the service tells others of it.
    await runner.query(
      `update "users" set "email" = 'service-' || "id" || '@service.invalid' where "email" is null`,
    );
    await runner.query(`alter table "users" alter column "email" set not null`);
    await runner.query(`alter table "users" drop column "kind"`);
  }
}
