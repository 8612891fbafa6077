import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ResourceRules1795620000000 implements MigrationInterface {
  name = 'ResourceRules1795620000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "resource_rules" (
      "id" integer generated always as identity not null,
      "name" text not null,
      "resource_type" text not null,
      "pattern" text not null,
      "action" text not null,
      "priority" integer not null,
      "description" text not null,
      "created_at" timestamptz not null,
      "updated_at" timestamptz not null,
      constraint "resource_rules_pk" primary key ("id"))`);
    // A refusal names the rule: there must be no second of that name.
    await runner.query(`create unique index "resource_rules_name_lower" on "resource_rules" (lower("name"))`);

    await runner.query(`create table "resource_rule_levels" (
      "rule_id" integer not null,
      "level" text not null,
      constraint "resource_rule_levels_pk" primary key ("rule_id", "level"),
      constraint "resource_rule_levels_rule_fk" foreign key ("rule_id") references "resource_rules" ("id") on delete cascade)`);
    await runner.query(`create index "resource_rule_levels_level" on "resource_rule_levels" ("level")`);

    await runner.query(`create table "resource_rule_users" (
      "rule_id" integer not null,
      "user_id" integer not null,
      constraint "resource_rule_users_pk" primary key ("rule_id", "user_id"),
      constraint "resource_rule_users_rule_fk" foreign key ("rule_id") references "resource_rules" ("id") on delete cascade,
      constraint "resource_rule_users_user_fk" foreign key ("user_id") references "users" ("id") on delete cascade)`);
    await runner.query(`create index "resource_rule_users_user_id" on "resource_rule_users" ("user_id")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['resource_rule_users', 'resource_rule_levels', 'resource_rules'])
      await runner.query(`drop table "${table}"`);
  }
}
