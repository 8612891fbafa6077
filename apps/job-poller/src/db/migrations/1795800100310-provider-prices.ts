import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ProviderPrices1795800100310 implements MigrationInterface {
  name = 'ProviderPrices1795800100310';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "provider_prices" (
      "provider" text not null,
      "hardware" json,
      "read_at" timestamptz,
      "next_at" timestamptz not null,
      constraint "provider_prices_pk" primary key ("provider"))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table "provider_prices"');
  }
}
