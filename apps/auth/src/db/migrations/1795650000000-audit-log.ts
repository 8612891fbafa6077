import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AuditLog1795650000000 implements MigrationInterface {
  name = 'AuditLog1795650000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "audit_log" (
      "seq" bigint not null,
      "event_id" uuid not null,
      "at" timestamptz not null,
      "service" text not null,
      "action" text not null,
      "outcome" text not null,
      "by" text not null,
      "user_id" integer,
      "username" text,
      "via" text,
      "credential_id" integer,
      "address" text,
      "request_id" text,
      "target" text,
      "details" text not null,
      "count" integer not null,
      "previous_mac" text not null,
      "mac" text not null,
      constraint "audit_log_pk" primary key ("seq"))`);
    await runner.query(`create index "audit_log_at" on "audit_log" ("at")`);
    await runner.query(`create index "audit_log_user_id" on "audit_log" ("user_id", "seq")`);
    // Byte by byte, so that they also find what begins with something.
    for (const column of ['action', 'target'])
      await runner.query(
        `create index "audit_log_${column}" on "audit_log" ("${column}" text_pattern_ops, "seq")`,
      );

    for (const table of ['audit_head', 'audit_anchor'])
      await runner.query(`create table "${table}" (
        "id" integer not null,
        "seq" bigint not null,
        "mac" text not null,
        "at" text not null,
        "signature" text not null,
        constraint "${table}_pk" primary key ("id"),
        constraint "${table}_one_row" check (id = 1))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['audit_anchor', 'audit_head', 'audit_log'])
      await runner.query(`drop table "${table}"`);
  }
}
