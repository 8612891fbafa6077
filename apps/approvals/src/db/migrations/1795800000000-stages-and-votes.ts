import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Requests that take several people, one after the other or at once, and what each of them said. */
export class StagesAndVotes1795800000000 implements MigrationInterface {
  name = 'StagesAndVotes1795800000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "approval_rule"
      add column "stages" jsonb not null default '[]',
      add column "rejections" int not null default 1`);
    await runner.query(`alter table "approval_request"
      add column "stages" jsonb,
      add column "rejections" int not null default 1,
      add column "stage" int not null default 0,
      add column "round" int not null default 1,
      add column "awaits" text not null default 'approvers',
      add column "asked_at" timestamptz`);
    await runner.query(`update "approval_request" set "asked_at" = "created_at", "stages" = jsonb_build_array(
      jsonb_build_object('approvals', 1, 'levels', jsonb_build_array("required_level") || to_jsonb("also_levels")))`);
    await runner.query(`alter table "approval_request"
      alter column "stages" set not null,
      alter column "asked_at" set not null,
      drop column "required_level",
      drop column "also_levels"`);
    await runner.query('alter table "reply_token" add column "round" int not null default 1');
    await runner.query(`create table "approval_vote" (
      "request_id" uuid not null,
      "round" int not null,
      "user_id" int not null,
      "username" text not null,
      "stage" int not null,
      "approves" boolean not null,
      "notes" text,
      "via" text not null,
      "voted_at" timestamptz not null,
      constraint "approval_vote_pk" primary key ("request_id", "round", "user_id"),
      constraint "approval_vote_request_fk" foreign key ("request_id") references "approval_request" ("id") on delete cascade)`);
    await runner.query(`insert into "approval_vote"
      select "id", 1, "reviewed_by_id", "reviewed_by", 0, "status" = 'approved', "review_notes", "decided_via", "reviewed_at"
      from "approval_request" where "status" in ('approved', 'rejected') and "reviewed_by_id" is not null`);
    await runner.query(`create table "approval_comment" (
      "id" uuid not null,
      "request_id" uuid not null,
      "round" int not null,
      "kind" text not null,
      "user_id" int not null,
      "username" text not null,
      "text" text not null,
      "written_at" timestamptz not null,
      constraint "approval_comment_pk" primary key ("id"),
      constraint "approval_comment_request_fk" foreign key ("request_id") references "approval_request" ("id") on delete cascade)`);
    await runner.query('create index "approval_comment_request" on "approval_comment" ("request_id", "id")');
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['approval_comment', 'approval_vote']) await runner.query(`drop table "${table}"`);
    await runner.query('alter table "reply_token" drop column "round"');
    await runner.query(`alter table "approval_request"
      add column "required_level" text not null default 'admin',
      add column "also_levels" text array not null default '{}'`);
    await runner.query(`update "approval_request" set "required_level" = coalesce("stages" -> 0 -> 'levels' ->> 0, 'admin'),
      "also_levels" = array(select l from jsonb_array_elements_text("stages" -> 0 -> 'levels') with ordinality as t(l, n) where n > 1)`);
    await runner.query(`alter table "approval_request" alter column "required_level" drop default,
      ${['stages', 'rejections', 'stage', 'round', 'awaits', 'asked_at'].map((c) => `drop column "${c}"`).join(', ')}`);
    await runner.query('alter table "approval_rule" drop column "stages", drop column "rejections"');
  }
}
