import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ProviderBreakers1795800100200 implements MigrationInterface {
  name = 'ProviderBreakers1795800100200';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "provider_breakers" (
      "provider" text not null,
      "since" timestamptz,
      "probes" integer not null default 0,
      "probe_at" timestamptz not null,
      "restored_at" timestamptz,
      constraint "provider_breakers_pk" primary key ("provider"))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table "provider_breakers"');
  }
}
