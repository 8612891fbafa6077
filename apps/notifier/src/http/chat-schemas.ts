import { z } from 'zod';
import { limits, name, webhookUrl } from './channel-fields.js';

const chatFields = { name, is_enabled: z.boolean(), webhook_url: webhookUrl, ...limits };

/** A platform's own limits are what is not exceeded if nobody says otherwise. */
const newChat = <T extends string>(type: T, maxPerSecond: number) =>
  z.strictObject({
    channel_type: z.literal(type),
    ...chatFields,
    is_enabled: chatFields.is_enabled.default(true),
    // One after the other, so that what is told comes in its order.
    max_concurrent: limits.max_concurrent.default(1),
    max_per_second: limits.max_per_second.default(maxPerSecond),
  });
export const newSlack = newChat('slack', 1);
export const newTeams = newChat('teams', 4);
export const newDiscord = newChat('discord', 2);
export type NewChatBody = z.infer<typeof newSlack | typeof newTeams | typeof newDiscord>;

export const chatChange = z.strictObject(chatFields).partial();
