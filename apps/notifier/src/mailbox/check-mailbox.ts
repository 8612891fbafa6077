import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '@lineclear/kit';
import type { ImapFlow } from 'imapflow';
import { ChannelSecrets } from '../channels/channel-secrets.js';
import type { Config } from '../config.js';
import type { EmailChannel } from '../domain/channel.js';
import { openMailboxOf, type OpenMailbox } from '../domain/mailbox-settings.js';
import { MailTokens } from '../email/mail-tokens.js';
import { explainError } from '../outbound/explain-error.js';
import { explained, isLoginRefused, openImap } from './open-imap.js';

interface Keys {
  readonly secrets: ChannelSecrets;
  readonly tokens: MailTokens;
  readonly config: Config;
}

/** Logs in to the mailbox of a channel. Whoever gets the connection closes it. */
export async function openMailbox(
  channel: EmailChannel,
  { secrets, tokens, config }: Keys,
): Promise<{ client: ImapFlow; mailbox: OpenMailbox }> {
  const mailbox = openMailboxOf(channel.settings);
  if (!mailbox) throw new Error('the channel has no mailbox to read');
  const parts = {
    allowed: config.LINECLEAR_WEBHOOK_ALLOW_CIDRS,
    timeoutMs: config.DELIVERY_TIMEOUT_SECONDS * 1_000,
  };
  const token = await tokens.tokenOf(channel);
  if (token) {
    const again = async (error: unknown): Promise<ImapFlow> => {
      if (!isLoginRefused(error)) throw error;
      tokens.refused(channel, token);
      const other = await tokens.tokenOf(channel);
      if (!other) throw error;
      return openImap(mailbox, other, parts, 'accessToken');
    };
    return { client: await openImap(mailbox, token, parts, 'accessToken').catch(again), mailbox };
  }
  const password = await secrets.readMailboxPassword(channel);
  if (!password) throw new Error('the secrets service has no imap_password of this channel');
  return { client: await openImap(mailbox, password, parts), mailbox };
}

/** Tells whether the mailbox of a channel can be read. */
@Injectable()
export class CheckMailbox {
  constructor(
    private readonly secrets: ChannelSecrets,
    private readonly tokens: MailTokens,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Why it cannot be read, or undefined when it can. */
  async check(channel: EmailChannel): Promise<string | undefined> {
    let client: ImapFlow | undefined;
    try {
      const opened = await openMailbox(channel, {
        secrets: this.secrets,
        tokens: this.tokens,
        config: this.config,
      });
      client = opened.client;
      await client.mailboxOpen(opened.mailbox.folder, { readOnly: true });
      return undefined;
    } catch (error) {
      return `the mailbox cannot be read: ${explainError(explained(error))}`;
    } finally {
      client?.close();
    }
  }
}
