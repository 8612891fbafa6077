import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How many answers an address got lately is counted. */
export class AnswersToReplies1795770000001 implements MigrationInterface {
  name = 'AnswersToReplies1795770000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `create index "delivery_answers" on "delivery" (lower("recipient"), "created_at")
       where event_type = 'approval.reply_handled'`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index "delivery_answers"');
  }
}
