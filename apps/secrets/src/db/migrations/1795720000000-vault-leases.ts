import type { MigrationInterface, QueryRunner } from 'typeorm';

const SEALED = `"kek_id" text not null,
    "wrapped_key" bytea not null,
    "nonce" bytea not null,
    "ciphertext" bytea not null`;

const UP = [
  `create table "vault_sessions" (
    "id" uuid not null,
    ${SEALED},
    "started_at" timestamptz not null,
    "ends_at" timestamptz,
    "grace_ms" bigint not null,
    "renewable" boolean not null,
    "next_at" timestamptz,
    "failures" integer not null default 0,
    "is_current" boolean not null,
    constraint "vault_sessions_pk" primary key ("id"),
    constraint "vault_sessions_kek_fk" foreign key ("kek_id") references "kek" ("id"))`,
  `create unique index "vault_sessions_current" on "vault_sessions" ("is_current") where is_current`,
  `create table "vault_leases" (
    "id" uuid not null,
    "job_id" text not null,
    "attempt" integer not null,
    "path" text not null,
    "session_id" uuid,
    "lease_id" text not null,
    ${SEALED},
    "issued_at" timestamptz not null,
    "ttl_ms" bigint not null,
    "grace_ms" bigint not null,
    "renewable" boolean not null,
    "ends_at" timestamptz not null,
    "next_at" timestamptz not null,
    "failures" integer not null default 0,
    "told_at" timestamptz,
    "ended_at" timestamptz,
    "is_current" boolean not null,
    constraint "vault_leases_pk" primary key ("id"),
    constraint "vault_leases_session_fk" foreign key ("session_id") references "vault_sessions" ("id"),
    constraint "vault_leases_kek_fk" foreign key ("kek_id") references "kek" ("id"))`,
  `create unique index "vault_leases_current" on "vault_leases" ("job_id", "attempt", "path") where is_current`,
  `create index "vault_leases_job" on "vault_leases" ("job_id")`,
  `create index "vault_leases_next" on "vault_leases" ("next_at")`,
  `create index "vault_leases_session" on "vault_leases" ("session_id")`,
];

/** Leases of Vault for attempts of jobs, and the tokens that they were made with. */
export class VaultLeases1795720000000 implements MigrationInterface {
  name = 'VaultLeases1795720000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table "vault_leases"`);
    await runner.query(`drop table "vault_sessions"`);
  }
}
