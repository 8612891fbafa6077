import { Injectable } from '@nestjs/common';
import { deleteSecret, resolveSecrets, secretsPublicKey, storeSecret } from '@lineclear/contracts';
import { ask, Bus } from '@lineclear/bus';
import { Clock, SealingKey, sealTo, Secret, TtlCache } from '@lineclear/kit';
import { secretNameOf, type Channel } from '../domain/channel.js';

const DEADLINE_MS = 2_000;
const TTL_MS = 60_000;
const MAX_CACHED = 1_000;

type Named = Pick<Channel, 'id' | 'type'>;

/**
 * The secrets of channels: kept by the secrets service, here only in memory and for a minute. Each method throws
 * Unavailable when that service does not answer.
 */
@Injectable()
export class ChannelSecrets {
  /** Of this process alone: what is sealed to it dies with it. */
  readonly #key = new SealingKey();
  readonly #cache: TtlCache<Secret>;

  constructor(
    private readonly bus: Bus,
    clock: Clock,
  ) {
    this.#cache = new TtlCache({ clock, ttlMs: TTL_MS, maxEntries: MAX_CACHED });
  }

  async store(channel: Named, value: Secret): Promise<void> {
    const { public_key } = await ask(this.bus, secretsPublicKey, {}, DEADLINE_MS);
    const request = { name: secretNameOf(channel), box: sealTo(public_key, value.reveal()) };
    await ask(this.bus, storeSecret, request, DEADLINE_MS);
    this.#drop(channel);
  }

  async forget(channel: Named): Promise<void> {
    await ask(this.bus, deleteSecret, { name: secretNameOf(channel) }, DEADLINE_MS);
    this.#drop(channel);
  }

  /** The channel's secret, or undefined when it has none or the secrets service knows of none. */
  async read(channel: Named & Pick<Channel, 'hasSecret' | 'updatedAt'>): Promise<Secret | undefined> {
    if (!channel.hasSecret) return undefined;
    // A change made by another replica is seen with the channel's row.
    const key = `${channel.id} ${channel.updatedAt.toISOString()}`;
    try {
      return await this.#cache.getOrLoad(key, () => this.#resolve(channel));
    } catch (error) {
      if (error instanceof NotKept) return undefined;
      throw error;
    }
  }

  #drop(channel: Named): void {
    this.#cache.deleteWhere((_, key) => key.startsWith(`${channel.id} `));
  }

  async #resolve(channel: Named): Promise<Secret> {
    const name = secretNameOf(channel);
    const { box } = await ask(
      this.bus,
      resolveSecrets,
      { names: [name], for: { purpose: 'channel', channel_id: channel.id }, public_key: this.#key.publicKey },
      DEADLINE_MS,
    );
    const value = box && (JSON.parse(this.#key.open(box)) as Record<string, string>)[name];
    if (value === undefined) throw new NotKept(name);
    return new Secret(value);
  }
}

class NotKept extends Error {
  override readonly name = 'NotKept';
}
