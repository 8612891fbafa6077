import type { MigrationInterface, QueryRunner } from 'typeorm';

// A band was its level's number and 5 more for "high"; now it is twice that number and one more. By way of negative numbers,
// as a user's lane may not pass through the band of another.
const NEW = 'band * 2 - case when band % 10 = 5 then 9 else 0 end';
const OLD = 'band / 2 + case when band % 2 = 1 then 5 else 0 end';

const renumber = async (runner: QueryRunner, band: string): Promise<void> => {
  await runner.query(`update "jobs" set band = ${band}`);
  await runner.query(`update "lanes" set band = -(${band})`);
  await runner.query(`update "lanes" set band = -band`);
};

/** Makes room for levels between the levels. */
export class BandsBetweenLevels1795661000000 implements MigrationInterface {
  name = 'BandsBetweenLevels1795661000000';

  async up(runner: QueryRunner): Promise<void> {
    await renumber(runner, NEW);
  }

  async down(runner: QueryRunner): Promise<void> {
    await renumber(runner, OLD);
  }
}
