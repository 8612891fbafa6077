import { randomBytes } from 'node:crypto';
import { Secret } from '@lineclear/kit';
import type { z } from 'zod';
import type { ChannelChange } from '../channels/keep-channels.js';
import type { ChatChannel, ChatSettings } from '../domain/channel.js';
import type { channelAnswer } from './channel-schemas.js';
import type { chatChange, NewChatBody } from './chat-schemas.js';

const ADDRESS_ID_BYTES = 4;

const addressOf = (url: string): ChatSettings['address'] => ({
  host: new URL(url).hostname,
  id: randomBytes(ADDRESS_ID_BYTES).toString('hex'),
});

export const readNewChat = (body: NewChatBody) => ({
  channel: {
    type: body.channel_type,
    name: body.name,
    isEnabled: body.is_enabled,
    settings: {
      address: addressOf(body.webhook_url),
      maxConcurrent: body.max_concurrent,
      maxPerSecond: body.max_per_second,
    },
  },
  secret: new Secret(body.webhook_url),
});

export const readChatChange = (body: z.infer<typeof chatChange>): ChannelChange => ({
  name: body.name,
  isEnabled: body.is_enabled,
  settings: {
    ...(body.webhook_url === undefined ? {} : { address: addressOf(body.webhook_url) }),
    ...(body.max_concurrent === undefined ? {} : { maxConcurrent: body.max_concurrent }),
    ...(body.max_per_second === undefined ? {} : { maxPerSecond: body.max_per_second }),
  },
  secret: body.webhook_url === undefined ? undefined : new Secret(body.webhook_url),
});

/** Where it goes, as far as that is no secret. */
export const showChat = ({ settings, hasSecret }: ChatChannel): Partial<z.infer<typeof channelAnswer>> => ({
  webhook_host: settings.address.host,
  has_webhook_url: hasSecret,
  max_concurrent: settings.maxConcurrent,
  max_per_second: settings.maxPerSecond,
});
