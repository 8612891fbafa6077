import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What ended long ago is found without looking through all. */
export class EndedGrants1795780000000 implements MigrationInterface {
  name = 'EndedGrants1795780000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of ['grants', 'claims'])
      await runner.query(
        `create index "${table}_ended" on "${table}" ("ended_at") where ended_at is not null`,
      );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['grants', 'claims']) await runner.query(`drop index "${table}_ended"`);
  }
}
