import { readEnv, serviceEnv } from '@lineclear/kit';
import { z } from 'zod';
import { parseNetworks } from './domain/addresses.js';
import type { ChannelType } from './domain/channel.js';
import { SENDER_CHECKS } from './domain/sender-check.js';

const networks = z
  .string()
  .max(2_000)
  .default('')
  .transform((list, context) => {
    try {
      return parseNetworks(list);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
      return z.NEVER;
    }
  });

const MAX_WAIT_SECONDS = 7 * 86_400;
const secondsList = (defaults: string) =>
  z
    .string()
    .max(500)
    .default(defaults)
    .transform((list) => list.split(',').map((text) => (text.trim() === '' ? Number.NaN : Number(text))))
    .pipe(z.array(z.number().min(0).max(MAX_WAIT_SECONDS)).min(1).max(30));

const notifierEnv = serviceEnv
  .extend({
    /** Private networks that webhooks, chat messages and mail may go to, as a comma list in CIDR notation. */
    LINECLEAR_WEBHOOK_ALLOW_CIDRS: networks,
    /** Seconds to wait before each attempt; there are as many attempts as numbers. The default takes three days. */
    WEBHOOK_RETRY_SECONDS: secondsList('0,5,300,1800,7200,18000,36000,50400,72000,86400'),
    MAIL_RETRY_SECONDS: secondsList('0,30,120,600,1800,3600,7200,14400'),
    /** Seconds for which nothing is sent to an endpoint after five failures in a row; twice as long after each one more, ten minutes at most. */
    WEBHOOK_BREAKER_SECONDS: z.coerce.number().min(0.1).max(600).default(30),
    /** Seconds that one attempt may take. */
    DELIVERY_TIMEOUT_SECONDS: z.coerce.number().min(0.1).max(60).default(15),
    /** Where Slack's Web API is. */
    SLACK_API_URL: z
      .url({ protocol: /^https?$/ })
      .max(500)
      .default('https://slack.com/api'),
    /** Days that finished deliveries stay in the log. */
    DELIVERY_RETENTION_DAYS: z.coerce.number().int().min(1).max(3_650).default(30),
    /** What proves who sent an answer to an approval mail. */
    REPLY_SENDER_CHECK: z.enum(SENDER_CHECKS).default('dmarc'),
    /** Seconds to wait before a mail that could not be read is tried again; after the last one it is put away. */
    REPLY_RETRY_SECONDS: secondsList('2,10,60,300,900'),
    /** How the relay whose word is trusted calls itself in Authentication-Results. */
    REPLY_TRUSTED_AUTHSERV_ID: z
      .string()
      .trim()
      .toLowerCase()
      .regex(/^[a-z0-9._-]{1,253}$/, 'is not the name of a relay')
      .optional(),
  })
  .refine(
    (env) => env.REPLY_SENDER_CHECK !== 'trusted_relay' || env.REPLY_TRUSTED_AUTHSERV_ID !== undefined,
    { path: ['REPLY_TRUSTED_AUTHSERV_ID'], message: 'is needed with REPLY_SENDER_CHECK=trusted_relay' },
  );
export type Config = Readonly<z.infer<typeof notifierEnv>>;

export const readConfig = (env: NodeJS.ProcessEnv): Config => readEnv(notifierEnv, env);

/** Seconds to wait before each attempt through a channel of this type. */
export const scheduleOf = (config: Config, type: ChannelType): readonly number[] =>
  type === 'email' ? config.MAIL_RETRY_SECONDS : config.WEBHOOK_RETRY_SECONDS;

/** Parses mails in a thread of its own, always as built: from here the same way leads there in sources, build and bundle. */
export const MAIL_READER = new URL('../dist/mailbox/read-mail.worker.js', import.meta.url);
