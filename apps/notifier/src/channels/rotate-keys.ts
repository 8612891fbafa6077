import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Clock, Conflict, Database, LOGGER, Secret, type Logger, type Tx } from '@lineclear/kit';
import { channelsWithEndedKeys, lockChannel, updateChannel } from '../db/channels.repo.js';
import type { WebhookChannel } from '../domain/channel.js';
import type { KeyPair } from '../domain/ed25519.js';
import {
  allSecretNames,
  hasPrevious,
  secretNames,
  signatureOf,
  type SigningKeys,
  type WebhookKeys,
} from '../domain/signing-keys.js';
import { ChannelSecrets } from './channel-secrets.js';

const KEY_ID_BYTES = 4;
const HOUR_MS = 3_600_000;

export interface NewKeys {
  readonly secret: Secret;
  readonly pair?: KeyPair | undefined;
  readonly overlapHours: number;
}

/** New keys for a webhook; those before them sign as well for as long as its receiver needs to learn the new ones. */
@Injectable()
export class RotateKeys {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly secrets: ChannelSecrets,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** @throws Unavailable when nobody keeps the new ones: then the old ones stay as they are. */
  async rotate(channel: WebhookChannel, given: NewKeys): Promise<WebhookChannel> {
    const { keys: before } = channel.settings;
    if (given.overlapHours > 0 && hasPrevious(before, this.clock.now())) {
      throw new Conflict(
        `the secret before this one signs until ${before.previous!.endsAt}; with overlap_hours 0 both end at once`,
      );
    }
    // Under a name of its own: until the channel says so, nothing is signed with it.
    const fresh = { id: randomBytes(KEY_ID_BYTES).toString('hex'), publicKey: given.pair?.publicKey ?? null };
    const { secret, privateKey } = secretNames(channel.id, fresh);
    await this.secrets.store(secret, given.secret);
    if (given.pair && privateKey !== undefined)
      await this.secrets.store(privateKey, new Secret(given.pair.privateKey));
    const rotated = await this.#switch(channel, fresh, given.overlapHours);
    await this.#forget(channel.id, rotated ? before.previous : fresh);
    if (!rotated) throw new Conflict('its keys were changed meanwhile, or it was deleted');
    return rotated;
  }

  /** Forgets keys that sign nothing any more. */
  async forgetEnded(limit: number): Promise<void> {
    for (const { id, settings } of await channelsWithEndedKeys(this.database, this.clock.now(), limit)) {
      const { previous } = settings.keys;
      if (!(await this.#forget(id, previous))) continue;
      await this.database.tx(async (tx) => {
        const current = await lockWebhook(tx, id);
        // Not those of a rotation that came between.
        if (current?.settings.keys.previous?.id !== previous?.id) return;
        await updateChannel(tx, withKeys(current!, { ...current!.settings.keys, previous: null }));
      });
    }
  }

  /** Undefined when another rotation was faster, or the channel is gone. */
  async #switch(
    { id, settings: { keys: before } }: WebhookChannel,
    fresh: SigningKeys,
    overlapHours: number,
  ): Promise<WebhookChannel | undefined> {
    return this.database.tx(async (tx) => {
      const current = await lockWebhook(tx, id);
      if (current?.settings.keys.id !== before.id) return undefined;
      const endsAt = new Date(this.clock.now().getTime() + overlapHours * HOUR_MS).toISOString();
      const previous = { id: before.id, publicKey: before.publicKey, endsAt };
      const details = { overlap_hours: overlapHours, signature: signatureOf(fresh) };
      await this.bus.publish(tx, audited('channel.secret_rotated', { target: `channel/${id}`, details }));
      return (await updateChannel(tx, withKeys(current, { ...fresh, previous }))) as WebhookChannel;
    });
  }

  async #forget(channelId: number, keys: SigningKeys | null): Promise<boolean> {
    try {
      for (const name of keys ? allSecretNames(channelId, keys) : []) await this.secrets.forget(name);
      return true;
    } catch (error) {
      this.log.warn({ err: error, channel_id: channelId }, 'old keys of a webhook are kept a while longer');
      return false;
    }
  }
}

const lockWebhook = async (tx: Tx, id: number): Promise<WebhookChannel | undefined> =>
  (await lockChannel(tx, id)) as WebhookChannel | undefined;

const withKeys = (channel: WebhookChannel, keys: WebhookKeys): WebhookChannel => ({
  ...channel,
  settings: { ...channel.settings, keys },
});
