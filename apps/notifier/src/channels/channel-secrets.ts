import { Injectable } from '@nestjs/common';
import {
  deleteSecret,
  resolveSecrets,
  secretChanged,
  secretsPublicKey,
  storeSecret,
} from '@lineclear/contracts';
import { ask, Bus } from '@lineclear/bus';
import { Clock, Metrics, SealingKey, sealTo, Secret, TtlCache } from '@lineclear/kit';
import {
  MAILBOX_SECRET,
  mailboxOf,
  SECRET_FIELD,
  secretNameOf,
  type Channel,
  type EmailChannel,
  type SecretField,
} from '../domain/channel.js';

const DEADLINE_MS = 2_000;
const TTL_MS = 60_000;
const MAX_CACHED = 1_000;

type Named = Pick<Channel, 'id'>;

/**
 * The secrets of channels: kept by the secrets service, here only in memory, for a minute or until they change.
 * Each method throws Unavailable when that service does not answer.
 */
@Injectable()
export class ChannelSecrets {
  /** Of this process alone: what is sealed to it dies with it. */
  readonly #key = new SealingKey();
  readonly #cache: TtlCache<Secret>;

  constructor(
    private readonly bus: Bus,
    clock: Clock,
    metrics: Metrics,
  ) {
    this.#cache = new TtlCache({
      clock,
      ttlMs: TTL_MS,
      maxEntries: MAX_CACHED,
      name: 'channel_secrets',
      metrics,
    });
    bus.watch(secretChanged, ({ data }) => this.#drop(data.name));
    bus.afterSilence(() => this.#cache.clear());
  }

  async store(channel: Named, field: SecretField, value: Secret): Promise<void> {
    const { public_key } = await ask(this.bus, secretsPublicKey, {}, DEADLINE_MS);
    const name = secretNameOf(channel, field);
    const request = { name, box: await sealTo(public_key, value.reveal()) };
    await ask(this.bus, storeSecret, request, DEADLINE_MS);
    this.#drop(name);
  }

  async forget(channel: Named, field: SecretField): Promise<void> {
    const name = secretNameOf(channel, field);
    await ask(this.bus, deleteSecret, { name }, DEADLINE_MS);
    this.#drop(name);
  }

  /** The channel's secret, or undefined when it has none or the secrets service knows of none. */
  async read(channel: Channel): Promise<Secret | undefined> {
    return channel.hasSecret ? this.#find(channel, SECRET_FIELD[channel.type]) : undefined;
  }

  /** The password of its mailbox, likewise. */
  async readMailboxPassword(channel: EmailChannel): Promise<Secret | undefined> {
    return mailboxOf(channel).hasPassword ? this.#find(channel, MAILBOX_SECRET) : undefined;
  }

  async #find(channel: Channel, field: SecretField): Promise<Secret | undefined> {
    const name = secretNameOf(channel, field);
    // A change made by another replica is seen with the channel's row.
    const key = `${name} ${channel.updatedAt.toISOString()}`;
    try {
      return await this.#cache.getOrLoad(key, () => this.#resolve(channel, name));
    } catch (error) {
      if (error instanceof NotKept) return undefined;
      throw error;
    }
  }

  #drop(name: string): void {
    this.#cache.deletePrefix(`${name} `);
  }

  async #resolve(channel: Named, name: string): Promise<Secret> {
    const { box } = await ask(
      this.bus,
      resolveSecrets,
      { names: [name], for: { purpose: 'channel', channel_id: channel.id }, public_key: this.#key.publicKey },
      DEADLINE_MS,
    );
    const value = box && (JSON.parse(await this.#key.open(box)) as Record<string, string>)[name];
    if (value === undefined) throw new NotKept(name);
    return new Secret(value);
  }
}

class NotKept extends Error {
  override readonly name = 'NotKept';
}
