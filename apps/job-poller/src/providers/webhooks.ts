import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, LOGGER, type Logger, type Secret } from '@lineclear/kit';
import type { Config } from '../config.js';
import type { Adapter } from '../adapters/adapter.js';
import type { AskedWebhook } from '../adapters/webhook.js';
import { Credentials } from './credentials.js';

/** Where providers send their webhooks, and what they are proven with. */
@Injectable()
export class Webhooks {
  constructor(
    private readonly credentials: Credentials,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** @throws MissingSecrets, or Unavailable when the secrets service does not answer */
  async secretOf({ name, webhookSecret }: Adapter): Promise<Secret | undefined> {
    return webhookSecret === undefined ? undefined : this.credentials.ofWebhooks(name, webhookSecret);
  }

  /** What a run's provider is asked for; undefined where it is to send none, or could not reach us. Never throws: a run does without. */
  async askedOf(adapter: Adapter): Promise<AskedWebhook | undefined> {
    const { name, webhookSecret } = adapter;
    // Providers call by https alone, and what says so is a name that can be reached.
    if (webhookSecret === undefined || !this.config.PUBLIC_URL.startsWith('https:')) return undefined;
    try {
      const secret = await this.secretOf(adapter);
      const url = `${this.config.PUBLIC_URL.replace(/\/$/, '')}/api/webhooks/providers/${name}`;
      return secret && { url, secret };
    } catch (error) {
      this.log.warn({ err: error, provider: name }, 'no webhooks are asked for: their secret cannot be read');
      return undefined;
    }
  }
}
