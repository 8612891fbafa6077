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
  mailboxOf,
  mailboxSecretName,
  secretNameOf,
  signingSecretName,
  type Channel,
  type ChatChannel,
  type EmailChannel,
  type WebhookChannel,
} from '../domain/channel.js';
import { secretNames, signingNow } from '../domain/signing-keys.js';

const DEADLINE_MS = 2_000;
const TTL_MS = 60_000;
const MAX_CACHED = 1_000;

/** What one message is signed with. */
export interface SigningSecrets {
  readonly secret: Secret;
  readonly privateKey?: Secret | undefined;
}

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
    private readonly clock: Clock,
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

  async store(name: string, value: Secret): Promise<void> {
    const { public_key } = await ask(this.bus, secretsPublicKey, {}, DEADLINE_MS);
    await ask(this.bus, storeSecret, { name, box: await sealTo(public_key, value.reveal()) }, DEADLINE_MS);
    this.#drop(name);
  }

  async forget(name: string): Promise<void> {
    await ask(this.bus, deleteSecret, { name }, DEADLINE_MS);
    this.#drop(name);
  }

  /** The channel's secret, or undefined when it has none or the secrets service knows of none. */
  async read(channel: Channel): Promise<Secret | undefined> {
    return channel.hasSecret ? this.#read(channel, secretNameOf(channel)) : undefined;
  }

  /** The password of its mailbox, likewise. */
  async readMailboxPassword(channel: EmailChannel): Promise<Secret | undefined> {
    return mailboxOf(channel).hasPassword ? this.#read(channel, mailboxSecretName(channel.id)) : undefined;
  }

  /** Another one that the channel is known to have. */
  async readNamed(channel: Channel, name: string): Promise<Secret | undefined> {
    return this.#read(channel, name);
  }

  /** What Slack signs with, likewise. */
  async readSigningSecret(channel: ChatChannel): Promise<Secret | undefined> {
    return channel.settings.hasSigningSecret ? this.#read(channel, signingSecretName(channel.id)) : undefined;
  }

  /** All that sign for the channel now, newest first; undefined when the secrets service does not know one of them. */
  async signers(channel: WebhookChannel): Promise<[SigningSecrets, ...SigningSecrets[]] | undefined> {
    const read = signingNow(channel.settings.keys, this.clock.now()).map(async (keys) => {
      const names = secretNames(channel.id, keys);
      const [secret, privateKey] = await Promise.all([
        this.#read(channel, names.secret),
        names.privateKey === undefined ? undefined : this.#read(channel, names.privateKey),
      ]);
      const isWhole = secret && (privateKey !== undefined || names.privateKey === undefined);
      return isWhole ? [{ secret, privateKey }] : [];
    });
    const found = await Promise.all(read);
    const [first, ...others] = found.flat();
    return first && found.every((one) => one.length > 0) ? [first, ...others] : undefined;
  }

  async #read(channel: Channel, name: string): Promise<Secret | undefined> {
    // A change made by another replica is seen with the channel's row.
    const key = `${name} ${channel.updatedAt.toISOString()}`;
    try {
      return await this.#cache.getOrLoad(key, () => this.#resolve(channel.id, name));
    } catch (error) {
      if (error instanceof NotKept) return undefined;
      throw error;
    }
  }

  #drop(name: string): void {
    this.#cache.deletePrefix(`${name} `);
  }

  async #resolve(channelId: number, name: string): Promise<Secret> {
    const { box } = await ask(
      this.bus,
      resolveSecrets,
      { names: [name], for: { purpose: 'channel', channel_id: channelId }, public_key: this.#key.publicKey },
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
