import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A webhook says which keys sign: those that there were are its first. */
export class WebhookKeys1795770000010 implements MigrationInterface {
  name = 'WebhookKeys1795770000010';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`update "channel"
      set "settings" = "settings" || '{"keys": {"id": "", "publicKey": null, "previous": null}}'
      where "channel_type" = 'webhook'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      `update "channel" set "settings" = "settings" - 'keys' where "channel_type" = 'webhook'`,
    );
  }
}
