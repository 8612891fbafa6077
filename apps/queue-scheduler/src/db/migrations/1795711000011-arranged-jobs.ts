import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Jobs that an administrator moved to another band, and jobs that their owner keeps from going. */
export class ArrangedJobs1795711000011 implements MigrationInterface {
  name = 'ArrangedJobs1795711000011';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `alter table "jobs" add column "own_band" int2, add column "on_hold" bool not null default false`,
    );
    await runner.query(`update "jobs" set "own_band" = "band"`);
    await runner.query(`alter table "jobs" alter column "own_band" set not null`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`update "jobs" set "band" = "own_band"`);
    await runner.query(`alter table "jobs" drop column "own_band", drop column "on_hold"`);
  }
}
