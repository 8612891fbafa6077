import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AccountRates1795800100100 implements MigrationInterface {
  name = 'AccountRates1795800100100';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create unlogged table "account_rates" (
      "account" text not null,
      "full_at_ms" double precision not null,
      constraint "account_rates_pk" primary key ("account"))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table "account_rates"');
  }
}
