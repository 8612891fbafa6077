import { randomBytes } from 'node:crypto';
import { BadInput, Secret } from '@lineclear/kit';
import type { z } from 'zod';
import type { ChannelChange, OauthSecrets } from '../channels/channel-change.js';
import type { NewSecrets } from '../channels/keep-channels.js';
import type { NewChannel } from '../db/channels.repo.js';
import { mailboxOf, oauthOf, type Channel } from '../domain/channel.js';
import { keyPairOf, SEED_BYTES, type KeyPair } from '../domain/ed25519.js';
import { NO_MAILBOX, type MailboxSettings } from '../domain/mailbox-settings.js';
import { NO_OAUTH, oauthAfter, type OauthSettings } from '../domain/oauth-settings.js';
import type { SenderCheck } from '../domain/sender-check.js';
import { formatSecret } from '../domain/sign.js';
import { FIRST_KEYS, hasPrevious, signatureOf, type Signature } from '../domain/signing-keys.js';
import { readNewHook, readNewSlack, showChat } from './chat-mapping.js';
import type { channelAnswer, emailChange, NewChannelBody, webhookChange } from './channel-schemas.js';

const MADE_SECRET_BYTES = 32;

/** What a webhook is to be signed with: the secret given, or one made here, and a pair of keys if they are wanted. */
export function makeKeys(
  signature: Signature,
  given: string | undefined,
): { pair?: KeyPair; secret: Secret; made?: Secret } {
  const secret = new Secret(given ?? formatSecret(randomBytes(MADE_SECRET_BYTES)));
  return {
    secret,
    ...(given === undefined ? { made: secret } : {}),
    ...(signature === 'ed25519' ? { pair: keyPairOf(randomBytes(SEED_BYTES)) } : {}),
  };
}

/** What a new channel is, from the wire's names to ours. `made` is a secret that the caller does not know yet. */
export function readNewChannel(
  body: NewChannelBody,
  publicUrl: string,
): NewSecrets & { channel: Omit<NewChannel, 'id' | 'hasSecret'>; made?: Secret } {
  const { name, is_enabled: isEnabled } = body;
  switch (body.channel_type) {
    case 'webhook': {
      const { pair, secret, made } = makeKeys(body.signature, body.webhook_secret);
      const keys = { ...FIRST_KEYS, publicKey: pair?.publicKey ?? null };
      const settings = {
        url: body.webhook_url,
        keys,
        maxConcurrent: body.max_concurrent,
        maxPerSecond: body.max_per_second,
      };
      const channel = { type: 'webhook' as const, name, isEnabled, settings };
      return {
        channel,
        secret,
        ...(pair ? { privateKey: new Secret(pair.privateKey) } : {}),
        ...(made ? { made } : {}),
      };
    }
    case 'email': {
      if (body.smtp_password !== undefined && body.smtp_username === undefined) {
        throw BadInput.at('smtp_username', 'is needed with smtp_password');
      }
      const settings = {
        host: body.smtp_host,
        port: body.smtp_port,
        username: body.smtp_username ?? null,
        useTls: body.smtp_use_tls,
        fromAddress: body.smtp_from_address ?? senderFor(body.smtp_username, publicUrl),
        fromName: body.smtp_from_name ?? null,
        replyTo: body.reply_to ?? null,
        ...newMailbox(body),
        ...newOauth(body),
      };
      return {
        channel: { type: 'email', name, isEnabled, settings },
        secret: body.smtp_password === undefined ? undefined : new Secret(body.smtp_password),
        mailboxSecret: body.imap_password === undefined ? undefined : new Secret(body.imap_password),
        oauthSecrets: oauthSecrets(body),
      };
    }
    case 'slack':
      return readNewSlack(body);
    case 'teams':
    case 'discord':
      return readNewHook(body);
  }
}

type NewEmailBody = Extract<NewChannelBody, { channel_type: 'email' }>;
const newMailbox = (body: NewEmailBody): { mailbox?: MailboxSettings } => {
  const asked = mailboxChange(body);
  const hasPassword = body.imap_password !== undefined;
  return hasPassword || Object.keys(asked).length > 0
    ? { mailbox: { ...NO_MAILBOX, ...asked, hasPassword } }
    : {};
};

const mailboxChange = (body: z.infer<typeof emailChange>): Partial<MailboxSettings> =>
  given({
    isEnabled: body.imap_enabled,
    host: body.imap_host,
    port: body.imap_port,
    username: body.imap_username,
    useSsl: body.imap_use_ssl,
    folder: body.imap_folder,
    arcSealers: body.reply_arc_sealers,
  });

const newOauth = (body: NewEmailBody): { oauth?: OauthSettings } => {
  const [asked, secrets] = [oauthChange(body), oauthSecrets(body)];
  return Object.keys(asked).length + Object.keys(secrets).length > 0
    ? { oauth: oauthAfter(NO_OAUTH, asked, secrets) }
    : {};
};

const oauthChange = (body: z.infer<typeof emailChange>): Partial<OauthSettings> =>
  given({ tokenUrl: body.oauth_token_url, clientId: body.oauth_client_id, scope: body.oauth_scope });

const oauthSecrets = (body: z.infer<typeof emailChange>): OauthSecrets =>
  given({
    oauth_client_secret: secretChange(body.oauth_client_secret),
    oauth_refresh_token: secretChange(body.oauth_refresh_token),
  });

/** Where no sender is given: the account's own address, or one of this host. */
function senderFor(username: string | undefined, publicUrl: string): string {
  if (username && /^[^\s@<>]+@[^\s@<>]+$/.test(username)) return username;
  const host = new URL(publicUrl).hostname;
  return `lineclear@${/^[0-9.-]*[a-z][a-z0-9.-]*$/i.test(host) ? host : 'localhost'}`;
}

export const readWebhookChange = (body: z.infer<typeof webhookChange>): ChannelChange => ({
  name: body.name,
  isEnabled: body.is_enabled,
  settings: given({
    url: body.webhook_url,
    maxConcurrent: body.max_concurrent,
    maxPerSecond: body.max_per_second,
  }),
  secret: body.webhook_secret === undefined ? undefined : new Secret(body.webhook_secret),
});

export const readEmailChange = (body: z.infer<typeof emailChange>): ChannelChange => ({
  name: body.name,
  isEnabled: body.is_enabled,
  settings: given({
    host: body.smtp_host,
    port: body.smtp_port,
    username: body.smtp_username,
    useTls: body.smtp_use_tls,
    fromAddress: body.smtp_from_address,
    fromName: body.smtp_from_name,
    replyTo: body.reply_to,
  }),
  secret: secretChange(body.smtp_password),
  mailbox: mailboxChange(body),
  mailboxSecret: secretChange(body.imap_password),
  oauth: oauthChange(body),
  oauthSecrets: oauthSecrets(body),
});

const secretChange = (value: string | null | undefined): Secret | null | undefined =>
  typeof value === 'string' ? new Secret(value) : value;

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };
const given = <T extends object>(fields: T): Given<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;

/** A channel as the wire shows it: that it has a secret, never the secret. */
export function showChannel(
  channel: Channel,
  senderCheck: SenderCheck,
  now: Date,
): z.infer<typeof channelAnswer> {
  const common = {
    id: channel.id,
    channel_type: channel.type,
    name: channel.name,
    is_enabled: channel.isEnabled,
    ...(channel.disabledReason === null ? {} : { disabled_reason: channel.disabledReason }),
    ...(channel.disabledAt === null ? {} : { disabled_at: channel.disabledAt.toISOString() }),
    created_at: channel.createdAt.toISOString(),
    updated_at: channel.updatedAt.toISOString(),
  };
  const { hasSecret } = channel;
  if (channel.type === 'webhook') {
    const { url, keys, maxConcurrent, maxPerSecond } = channel.settings;
    const { publicKey, previous } = keys;
    return {
      ...common,
      webhook_url: url,
      max_concurrent: maxConcurrent,
      max_per_second: maxPerSecond,
      has_webhook_secret: hasSecret,
      signature: signatureOf(keys),
      ...(publicKey === null ? {} : { webhook_public_key: publicKey }),
      ...(previous && hasPrevious(keys, now)
        ? {
            previous_secret_until: previous.endsAt,
            ...(previous.publicKey === null ? {} : { previous_webhook_public_key: previous.publicKey }),
          }
        : {}),
    };
  }
  if (channel.type !== 'email') return { ...common, ...showChat(channel) };
  const { host, port, username, useTls, fromAddress, fromName, replyTo = null } = channel.settings;
  return {
    ...common,
    smtp_host: host,
    smtp_port: port,
    ...(username === null ? {} : { smtp_username: username }),
    has_smtp_password: hasSecret,
    smtp_use_tls: useTls,
    smtp_from_address: fromAddress,
    ...(fromName === null ? {} : { smtp_from_name: fromName }),
    ...(replyTo === null ? {} : { reply_to: replyTo }),
    ...showMailbox(mailboxOf(channel), senderCheck),
    ...showOauth(oauthOf(channel)),
  };
}

function showOauth(oauth: OauthSettings): Partial<z.infer<typeof channelAnswer>> {
  const { tokenUrl, clientId, scope, hasClientSecret, hasRefreshToken } = oauth;
  if (tokenUrl === null || clientId === null) return {};
  return {
    oauth_token_url: tokenUrl,
    oauth_client_id: clientId,
    ...(scope === null ? {} : { oauth_scope: scope }),
    has_oauth_client_secret: hasClientSecret,
    has_oauth_refresh_token: hasRefreshToken,
  };
}

function showMailbox(
  { isEnabled, host, port, username, useSsl, folder, hasPassword, arcSealers = [] }: MailboxSettings,
  senderCheck: SenderCheck,
): Partial<z.infer<typeof channelAnswer>> {
  if (!isEnabled && host === null) return { imap_enabled: false };
  return {
    imap_enabled: isEnabled,
    ...(host === null ? {} : { imap_host: host }),
    imap_port: port,
    ...(username === null ? {} : { imap_username: username }),
    has_imap_password: hasPassword,
    imap_use_ssl: useSsl,
    imap_folder: folder,
    reply_sender_check: senderCheck,
    reply_arc_sealers: [...arcSealers],
  };
}
