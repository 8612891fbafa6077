import type { MigrationInterface, QueryRunner } from 'typeorm';

/** When people want to hear of things. */
export class OwnSchedules1795770000042 implements MigrationInterface {
  name = 'OwnSchedules1795770000042';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "own_schedule" (
      "user_id" integer not null,
      "time_zone" text not null,
      "quiet_hours" jsonb,
      "updated_at" timestamptz not null default now(),
      constraint "own_schedule_pk" primary key ("user_id"))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table "own_schedule"`);
  }
}
