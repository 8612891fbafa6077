import { SYSTEM_LEVEL_NAMES, SYSTEM_LEVELS } from '@lineclear/contracts';
import type { MigrationInterface, QueryRunner } from 'typeorm';

const DESCRIPTIONS = {
  viewer: 'Looks on: their jobs and their logs',
  researcher: 'Submits jobs and stops their own',
  lead: 'Sees and approves the jobs of all',
  admin: 'Everything, people and rules included',
};

export class Levels1795660000000 implements MigrationInterface {
  name = 'Levels1795660000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "levels" (
      "name" text not null,
      "description" text not null,
      "priority" integer not null,
      "is_system" boolean not null,
      "permissions" text array not null,
      "created_at" timestamptz not null,
      constraint "levels_pk" primary key ("name"),
      constraint "levels_priority_unique" unique ("priority"))`);
    for (const name of SYSTEM_LEVEL_NAMES) {
      const { priority, permissions } = SYSTEM_LEVELS[name];
      await runner.query(`insert into "levels" values ($1, $2, $3, true, $4, now())`, [
        name,
        DESCRIPTIONS[name],
        priority,
        permissions,
      ]);
    }
    await runner.query(
      `alter table "users" add constraint "users_level_fk" foreign key ("level") references "levels" ("name")`,
    );
    await runner.query(`create index "users_level" on "users" ("level")`);
    await runner.query(
      `alter table "identity_providers" add constraint "identity_providers_default_level_fk" foreign key ("default_level") references "levels" ("name")`,
    );
    await runner.query(
      `alter table "resource_rule_levels" add constraint "resource_rule_levels_level_fk" foreign key ("level") references "levels" ("name") on delete cascade`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "resource_rule_levels" drop constraint "resource_rule_levels_level_fk"`);
    await runner.query(
      `alter table "identity_providers" drop constraint "identity_providers_default_level_fk"`,
    );
    await runner.query(`drop index "users_level"`);
    await runner.query(`alter table "users" drop constraint "users_level_fk"`);
    await runner.query(`drop table "levels"`);
  }
}
