import { z } from 'zod';
import { limits, name, webhookUrl } from './channel-fields.js';

const chatFields = { name, is_enabled: z.boolean(), webhook_url: webhookUrl, ...limits };
const secretText = z
  .string()
  .min(1)
  .max(500)
  .regex(/^[\x21-\x7e]+$/, 'holds what no secret of Slack does');

/** Of a Slack app that writes by its API. */
const appFields = {
  bot_token: secretText,
  slack_channel: z.string().regex(/^[CGD][A-Z0-9]{2,30}$/, 'is not the id of a channel, such as C0123456789'),
  signing_secret: secretText,
};

/** A platform's own limits are what is not exceeded if nobody says otherwise. */
const newChat = <T extends string>(type: T, maxPerSecond: number) => ({
  channel_type: z.literal(type),
  ...chatFields,
  is_enabled: chatFields.is_enabled.default(true),
  // One after the other, so that what is told comes in its order.
  max_concurrent: limits.max_concurrent.default(1),
  max_per_second: limits.max_per_second.default(maxPerSecond),
});
export const newTeams = z.strictObject(newChat('teams', 4));
export const newDiscord = z.strictObject(newChat('discord', 2));
export const newSlack = z
  .strictObject({
    ...newChat('slack', 1),
    webhook_url: webhookUrl.optional(),
    ...z.object(appFields).partial().shape,
  })
  .check(({ value, issues }) => {
    const fault = faultOfSlack(value);
    if (fault) issues.push({ code: 'custom', input: value, path: [fault[0]], message: fault[1] });
  });
export type NewSlackBody = z.infer<typeof newSlack>;
export type NewHookBody = z.infer<typeof newTeams | typeof newDiscord>;

/** It has a hook, or an app and where that writes. */
function faultOfSlack(given: {
  readonly webhook_url?: string | undefined;
  readonly bot_token?: string | undefined;
  readonly slack_channel?: string | undefined;
  readonly signing_secret?: string | undefined;
}): readonly [field: string, message: string] | undefined {
  if (given.webhook_url === undefined && given.bot_token === undefined)
    return ['webhook_url', 'is needed, or bot_token and slack_channel'];
  if (given.webhook_url !== undefined) {
    const other = (['bot_token', 'slack_channel', 'signing_secret'] as const).find(
      (field) => given[field] !== undefined,
    );
    return other && [other, 'is of an app, which has no webhook_url'];
  }
  return given.slack_channel === undefined ? ['slack_channel', 'is needed with bot_token'] : undefined;
}

export const hookChange = z.strictObject(chatFields).partial();
export const appChange = z
  .strictObject({
    name,
    is_enabled: chatFields.is_enabled,
    ...limits,
    ...appFields,
    signing_secret: secretText.nullable(),
  })
  .partial();
/** Both, for when it is not known yet which a Slack channel is. */
export const chatChange = z.strictObject({ ...hookChange.shape, ...appChange.shape });
