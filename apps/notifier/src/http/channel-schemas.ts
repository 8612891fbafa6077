import { z } from 'zod';
import { CHANNEL_TYPES } from '../domain/channel.js';
import { faultOfInbound } from '../domain/reply-address.js';
import { SENDER_CHECKS } from '../domain/sender-check.js';
import { secretBytes } from '../domain/sign.js';
import { SIGNATURES } from '../domain/signing-keys.js';
import { limits, name, webhookUrl } from './channel-fields.js';
import { chatChange, newDiscord, newSlack, newTeams } from './chat-schemas.js';

const webhookSecret = z
  .string()
  .max(100)
  .refine((text) => secretBytes(text) !== undefined, 'is not whsec_ and the base64 of 24 to 64 bytes');

const replyTo = z
  .email()
  .max(254)
  .check((address) => {
    const message = faultOfInbound(address.value);
    if (message !== undefined) address.issues.push({ code: 'custom', input: address.value, message });
  });

const webhookFields = {
  name,
  is_enabled: z.boolean(),
  webhook_url: webhookUrl,
  webhook_secret: webhookSecret,
  ...limits,
};
const hostName = z
  .string()
  .trim()
  .min(1)
  .max(253)
  .regex(/^[A-Za-z0-9._:-]+$/, 'is not a host name');
const loginName = z
  .string()
  .min(1)
  .max(254)
  .regex(/^\P{Cc}*$/u, 'holds a control character');
const password = z.string().min(1).max(1_000);

const domainName = z
  .string()
  .trim()
  .toLowerCase()
  .max(253)
  .regex(
    /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    'is not a domain name',
  );

/** Where answers arrive. */
const mailboxFields = {
  imap_enabled: z.boolean(),
  imap_host: hostName,
  imap_port: z.int().min(1).max(65_535),
  imap_username: loginName,
  imap_password: password.regex(/^\P{Cc}*$/u, 'holds a control character'),
  imap_use_ssl: z.boolean(),
  imap_folder: name,
  reply_arc_sealers: z
    .array(domainName)
    .max(20)
    .refine((domains) => new Set(domains).size === domains.length, 'names a domain twice'),
};
/** How it gets tokens to log in with. */
const oauthFields = {
  oauth_token_url: webhookUrl,
  oauth_client_id: loginName,
  oauth_client_secret: password.regex(/^\P{Cc}*$/u, 'holds a control character'),
  oauth_refresh_token: z
    .string()
    .max(8_192)
    .regex(/^[\x21-\x7e]+$/, 'is not a token'),
  oauth_scope: z
    .string()
    .max(2_000)
    .regex(/^[\x20-\x7e]+$/, 'is not a list of scopes'),
};
const emailFields = {
  name,
  is_enabled: z.boolean(),
  smtp_host: hostName,
  smtp_port: z.int().min(1).max(65_535),
  smtp_username: loginName,
  smtp_password: password,
  smtp_use_tls: z.boolean(),
  smtp_from_address: z.email().max(254),
  smtp_from_name: name,
  reply_to: replyTo,
  ...mailboxFields,
  ...oauthFields,
};

const newWebhook = z.strictObject({
  channel_type: z.literal('webhook'),
  ...webhookFields,
  is_enabled: webhookFields.is_enabled.default(true),
  webhook_secret: webhookSecret.optional(),
  signature: z.enum(SIGNATURES).default('hmac'),
  max_concurrent: webhookFields.max_concurrent.default(4),
  max_per_second: webhookFields.max_per_second.default(20),
});
const newEmail = z.strictObject({
  channel_type: z.literal('email'),
  ...emailFields,
  is_enabled: emailFields.is_enabled.default(true),
  smtp_port: emailFields.smtp_port.default(587),
  smtp_username: emailFields.smtp_username.optional(),
  smtp_password: emailFields.smtp_password.optional(),
  smtp_use_tls: emailFields.smtp_use_tls.default(true),
  smtp_from_address: emailFields.smtp_from_address.optional(),
  smtp_from_name: emailFields.smtp_from_name.optional(),
  reply_to: replyTo.optional(),
  ...z.object(mailboxFields).partial().shape,
  ...z.object(oauthFields).partial().shape,
});
export const newChannel = z.discriminatedUnion(
  'channel_type',
  [newWebhook, newEmail, newSlack, newTeams, newDiscord],
  {
    error: `is not one of ${CHANNEL_TYPES.join(', ')}`,
  },
);
export type NewChannelBody = z.infer<typeof newChannel>;

/** Which fields may change, by type; null takes a mail channel's optional one away. */
export const webhookChange = z.strictObject(webhookFields).partial();
export const emailChange = z
  .strictObject({
    ...emailFields,
    smtp_username: emailFields.smtp_username.nullable(),
    smtp_password: emailFields.smtp_password.nullable(),
    smtp_from_name: emailFields.smtp_from_name.nullable(),
    reply_to: replyTo.nullable(),
    imap_host: emailFields.imap_host.nullable(),
    imap_username: emailFields.imap_username.nullable(),
    imap_password: emailFields.imap_password.nullable(),
    oauth_token_url: oauthFields.oauth_token_url.nullable(),
    oauth_client_id: oauthFields.oauth_client_id.nullable(),
    oauth_client_secret: oauthFields.oauth_client_secret.nullable(),
    oauth_refresh_token: oauthFields.oauth_refresh_token.nullable(),
    oauth_scope: oauthFields.oauth_scope.nullable(),
  })
  .partial();
/** All, for when the channel's type is not known yet. */
export const channelChange = z.strictObject({
  ...emailChange.shape,
  ...webhookChange.shape,
  ...chatChange.shape,
});

const MAX_OVERLAP_HOURS = 168;
export const rotateBody = z.strictObject({
  /** For how long the keys before them sign as well; with 0 they end at once. */
  overlap_hours: z.number().min(0).max(MAX_OVERLAP_HOURS).default(24),
  webhook_secret: webhookSecret.optional(),
  /** As before, if it is not given. */
  signature: z.enum(SIGNATURES).optional(),
});

export const testBody = z.strictObject({ recipient: z.email().max(254).optional() });

export const channelAnswer = z.object({
  id: z.int(),
  channel_type: z.enum(CHANNEL_TYPES),
  name: z.string(),
  is_enabled: z.boolean(),
  disabled_reason: z.string().optional(),
  disabled_at: z.iso.datetime().optional(),
  webhook_url: z.string().optional(),
  /** Of a chat, whose URL is a secret. */
  webhook_host: z.string().optional(),
  has_webhook_url: z.boolean().optional(),
  /** Of a Slack app. */
  slack_channel: z.string().optional(),
  has_bot_token: z.boolean().optional(),
  has_signing_secret: z.boolean().optional(),
  has_webhook_secret: z.boolean().optional(),
  max_concurrent: z.int().optional(),
  max_per_second: z.int().optional(),
  signature: z.enum(SIGNATURES).optional(),
  webhook_public_key: z.string().optional(),
  previous_secret_until: z.iso.datetime().optional(),
  previous_webhook_public_key: z.string().optional(),
  smtp_host: z.string().optional(),
  smtp_port: z.int().optional(),
  smtp_username: z.string().optional(),
  has_smtp_password: z.boolean().optional(),
  smtp_use_tls: z.boolean().optional(),
  smtp_from_address: z.string().optional(),
  smtp_from_name: z.string().optional(),
  reply_to: z.string().optional(),
  imap_enabled: z.boolean().optional(),
  imap_host: z.string().optional(),
  imap_port: z.int().optional(),
  imap_username: z.string().optional(),
  has_imap_password: z.boolean().optional(),
  imap_use_ssl: z.boolean().optional(),
  imap_folder: z.string().optional(),
  oauth_token_url: z.string().optional(),
  oauth_client_id: z.string().optional(),
  oauth_scope: z.string().optional(),
  has_oauth_client_secret: z.boolean().optional(),
  has_oauth_refresh_token: z.boolean().optional(),
  /** How the senders of answers are proved (REPLY_SENDER_CHECK). */
  reply_sender_check: z.enum(SENDER_CHECKS).optional(),
  /** Whose ARC seals are believed of mails that were forwarded. */
  reply_arc_sealers: z.array(z.string()).optional(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});
/** A secret that was made here is shown this once. */
export const newChannelAnswer = channelAnswer.extend({ webhook_secret: z.string().optional() });
export const channelsAnswer = z.object({
  channels: z.array(channelAnswer),
  total: z.int(),
  next_cursor: z.int().optional(),
});
export const testAnswer = z.object({
  success: z.boolean(),
  error: z.string().optional(),
  latency_ms: z.number(),
});
