import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Only a holder holds a delivery, and what an endpoint keeps back is seen from the endpoint. */
export class ChannelTurns1795770000050 implements MigrationInterface {
  name = 'ChannelTurns1795770000050';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `update "delivery" set "held_until" = null where "holder" is null and "held_until" is not null`,
    );
    await runner.query(
      `update "delivery" set "waits_for" = null where "waits_for" in ('breaker', 'concurrency', 'rate')`,
    );
  }

  /** Nothing to undo: both are written again. */
  async down(): Promise<void> {}
}
