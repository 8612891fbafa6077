import { setTimeout as delay } from 'node:timers/promises';
import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { secretChanged } from '@lineclear/contracts';
import { Bus } from '@lineclear/bus';
import { CONFIG, Database, LOGGER, type Logger } from '@lineclear/kit';
import { ChannelSecrets } from '../channels/channel-secrets.js';
import type { Config } from '../config.js';
import { channelsToRead } from '../db/mailboxes.repo.js';
import { mailboxSecretName, type EmailChannel } from '../domain/channel.js';
import { MailTokens } from '../email/mail-tokens.js';
import { HandleMail } from './handle-mail.js';
import { keepReading } from './keep-reading.js';
import { MailboxMetrics } from './mailbox-metrics.js';
import { openMailbox } from './check-mailbox.js';
import { ReadSession, type SessionParts } from './read-session.js';

const LOOK_EVERY_MS = 1_000;
/** What is being handled when reading is to end may take so long; then it is left to whoever reads next. */
const GRACE_MS = 3_000;
/** And so long the mail server may take to put away what was handled. */
const CUT_AFTER_MS = 2_000;

interface Reader {
  /** Of the channel as it was when its reading began. */
  readonly version: string;
  readonly stop: AbortController;
  readonly over: Promise<void>;
}

/** Reads the mailbox of each channel that has one, on every replica: which of them handles a mail is settled mail by mail. */
@Injectable()
export class KeepMailboxes implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #stop = new AbortController();
  readonly #readers = new Map<number, Reader>();
  /** Channels whose password changed where it is kept. */
  readonly #stale = new Set<number>();
  #running: Promise<void> | undefined;

  constructor(
    private readonly database: Database,
    private readonly secrets: ChannelSecrets,
    private readonly tokens: MailTokens,
    private readonly handle: HandleMail,
    private readonly metrics: MailboxMetrics,
    bus: Bus,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    bus.watch(secretChanged, ({ data }) => {
      for (const id of this.#readers.keys()) if (data.name === mailboxSecretName(id)) this.#stale.add(id);
    });
  }

  onApplicationBootstrap(): void {
    if (this.config.REPLY_SENDER_CHECK === 'off')
      this.log.warn(
        'REPLY_SENDER_CHECK=off: whoever can write to a mailbox of a channel can answer in the name of anybody',
      );
    this.#running = this.#run(this.#stop.signal);
  }

  async #run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        await this.#tick();
      } catch (error) {
        this.log.warn({ err: error }, 'could not look which mailboxes are to be read; trying again');
      }
      await pause(LOOK_EVERY_MS, stop);
    }
    await Promise.all([...this.#readers.keys()].map((id) => this.#end(id)));
  }

  async #tick(): Promise<void> {
    const channels = new Map((await channelsToRead(this.database)).map((channel) => [channel.id, channel]));
    for (const [id, { version }] of this.#readers) {
      if (channels.get(id)?.updatedAt.toISOString() !== version || this.#stale.delete(id))
        await this.#end(id);
    }
    for (const [id, channel] of channels) if (!this.#readers.has(id)) this.#begin(channel);
  }

  #begin(channel: EmailChannel): void {
    const stop = new AbortController();
    const attempts: SessionParts['attempts'] = new Map();
    const over = keepReading(
      {
        read: (stopped, opened) => this.#read(channel, attempts, stopped, opened),
        failed: (error, waitMs) => {
          this.metrics.failed();
          this.log.warn(
            { err: error, channel_id: channel.id, wait_ms: waitMs },
            'a mailbox is not being read',
          );
        },
        pause,
        random: Math.random,
      },
      stop.signal,
    );
    this.#readers.set(channel.id, { version: channel.updatedAt.toISOString(), stop, over });
  }

  async #end(id: number): Promise<void> {
    const reader = this.#readers.get(id);
    this.#readers.delete(id);
    reader?.stop.abort();
    if (reader) await Promise.race([reader.over, delay(GRACE_MS, undefined, { ref: false })]);
  }

  async #read(
    channel: EmailChannel,
    attempts: SessionParts['attempts'],
    stop: AbortSignal,
    opened: () => void,
  ): Promise<void> {
    const { client, mailbox } = await openMailbox(channel, {
      secrets: this.secrets,
      tokens: this.tokens,
      config: this.config,
    });
    let isOpen = false;
    let session: ReadSession | undefined;
    // A server that does not answer holds up no end.
    const cut = (): void => void setTimeout(() => client.close(), CUT_AFTER_MS).unref();
    stop.addEventListener('abort', cut, { once: true });
    try {
      if (stop.aborted) return;
      const { database, handle, log } = this;
      session = new ReadSession(client, {
        database,
        handle,
        log,
        channel,
        mailbox,
        retrySeconds: this.config.REPLY_RETRY_SECONDS,
        attempts,
      });
      await session.run(stop, () => {
        isOpen = true;
        this.metrics.opened();
        this.log.info({ channel_id: channel.id }, 'a mailbox is being read');
        opened();
      });
    } finally {
      await session?.finish();
      stop.removeEventListener('abort', cut);
      if (isOpen) this.metrics.closed();
      client.close();
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}

const pause = async (ms: number, stop: AbortSignal): Promise<void> => {
  await delay(ms, undefined, { signal: stop }).catch(() => undefined);
};
