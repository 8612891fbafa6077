import { randomBytes } from 'node:crypto';
import { Secret } from '@lineclear/kit';
import type { z } from 'zod';
import type { ChannelChange } from '../channels/channel-change.js';
import { isSlackApp, type ChatChannel, type ChatSettings } from '../domain/channel.js';
import type { channelAnswer } from './channel-schemas.js';
import type { appChange, hookChange, NewHookBody, NewSlackBody } from './chat-schemas.js';

const ADDRESS_ID_BYTES = 4;
const SLACK = 'https://slack.com';

const addressOf = (url: string): ChatSettings['address'] => ({
  host: new URL(url).hostname,
  id: randomBytes(ADDRESS_ID_BYTES).toString('hex'),
});

export const readNewHook = (body: NewHookBody | (NewSlackBody & { readonly webhook_url: string })) => ({
  channel: newChannel(body, { address: addressOf(body.webhook_url) }),
  secret: new Secret(body.webhook_url),
});

export function readNewSlack({ webhook_url, ...body }: NewSlackBody) {
  if (webhook_url !== undefined) return readNewHook({ ...body, webhook_url });
  const { bot_token, slack_channel, signing_secret } = body;
  return {
    channel: newChannel(body, {
      address: addressOf(SLACK),
      slackChannel: slack_channel!,
      hasSigningSecret: signing_secret !== undefined,
    }),
    secret: new Secret(bot_token!),
    signingSecret: signing_secret === undefined ? undefined : new Secret(signing_secret),
  };
}

const newChannel = (
  body: NewHookBody | NewSlackBody,
  settings: Pick<ChatSettings, 'address' | 'slackChannel' | 'hasSigningSecret'>,
) => ({
  type: body.channel_type,
  name: body.name,
  isEnabled: body.is_enabled,
  settings: { ...settings, maxConcurrent: body.max_concurrent, maxPerSecond: body.max_per_second },
});

export const readHookChange = (body: z.infer<typeof hookChange>): ChannelChange => ({
  ...commonChange(body),
  settings: {
    ...limitsOf(body),
    ...(body.webhook_url === undefined ? {} : { address: addressOf(body.webhook_url) }),
  },
  secret: body.webhook_url === undefined ? undefined : new Secret(body.webhook_url),
});

export const readAppChange = (body: z.infer<typeof appChange>): ChannelChange => ({
  ...commonChange(body),
  settings: {
    ...limitsOf(body),
    // Another token or channel is another receiver.
    ...(body.bot_token === undefined && body.slack_channel === undefined
      ? {}
      : { address: addressOf(SLACK) }),
    ...(body.slack_channel === undefined ? {} : { slackChannel: body.slack_channel }),
    ...(body.signing_secret === undefined ? {} : { hasSigningSecret: body.signing_secret !== null }),
  },
  secret: body.bot_token === undefined ? undefined : new Secret(body.bot_token),
  signingSecret: body.signing_secret
    ? new Secret(body.signing_secret)
    : (body.signing_secret as null | undefined),
});

type Common = Pick<z.infer<typeof hookChange>, 'name' | 'is_enabled' | 'max_concurrent' | 'max_per_second'>;
const commonChange = (body: Common) => ({ name: body.name, isEnabled: body.is_enabled });
const limitsOf = (body: Common): Partial<ChatSettings> => ({
  ...(body.max_concurrent === undefined ? {} : { maxConcurrent: body.max_concurrent }),
  ...(body.max_per_second === undefined ? {} : { maxPerSecond: body.max_per_second }),
});

/** Where it goes, as far as that is no secret. */
export function showChat(channel: ChatChannel): Partial<z.infer<typeof channelAnswer>> {
  const { settings, hasSecret } = channel;
  return {
    ...(isSlackApp(channel)
      ? {
          slack_channel: settings.slackChannel,
          has_bot_token: hasSecret,
          has_signing_secret: settings.hasSigningSecret === true,
        }
      : { webhook_host: settings.address.host, has_webhook_url: hasSecret }),
    max_concurrent: settings.maxConcurrent,
    max_per_second: settings.maxPerSecond,
  };
}
