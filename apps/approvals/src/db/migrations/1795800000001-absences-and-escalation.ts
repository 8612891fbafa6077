import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who is away and who stands in, and whom requests go on to that nobody decides. */
export class AbsencesAndEscalation1795800000001 implements MigrationInterface {
  name = 'AbsencesAndEscalation1795800000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "absence" (
      "id" int generated always as identity not null,
      "user_id" int not null,
      "username" text not null,
      "stand_in_id" int,
      "stand_in" text,
      "starts_at" timestamptz not null,
      "ends_at" timestamptz not null,
      "reason" text,
      "source" text not null,
      constraint "absence_pk" primary key ("id"))`);
    await runner.query('create index "absence_user" on "absence" ("user_id", "ends_at")');
    await runner.query(
      'create index "absence_stand_in" on "absence" ("stand_in_id", "ends_at") where stand_in_id is not null',
    );
    await runner.query(
      `create unique index "absence_told" on "absence" ("user_id", "source") where "source" <> 'own'`,
    );
    await runner.query(`create table "approval_settings" (
      "only" boolean not null,
      "escalation" jsonb not null default '[]',
      "fallback_user_ids" int array not null default '{}',
      constraint "approval_settings_pk" primary key ("only"))`);
    await runner.query('insert into "approval_settings" values (true)');
    await runner.query('alter table "approval_request" add column "escalations" int not null default 0');
    await runner.query(
      'alter table "approval_vote" add column "in_place_of_id" int, add column "in_place_of" text',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table "approval_vote" drop column "in_place_of_id", drop column "in_place_of"');
    await runner.query('alter table "approval_request" drop column "escalations"');
    for (const table of ['approval_settings', 'absence']) await runner.query(`drop table "${table}"`);
  }
}
