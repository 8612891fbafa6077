import { readEnv, serviceEnv } from '@lineclear/kit';
import { z } from 'zod';
import { parseNetworks } from './domain/addresses.js';
import type { ChannelType } from './domain/channel.js';

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

const notifierEnv = serviceEnv.extend({
  /** Private networks that webhooks and mail may go to, as a comma list in CIDR notation. */
  LINECLEAR_WEBHOOK_ALLOW_CIDRS: networks,
  /** Seconds to wait before each attempt; there are as many attempts as numbers. The default takes three days. */
  WEBHOOK_RETRY_SECONDS: secondsList('0,5,300,1800,7200,18000,36000,50400,72000,86400'),
  MAIL_RETRY_SECONDS: secondsList('0,30,120,600,1800,3600,7200,14400'),
  /** Seconds for which nothing is sent to a webhook after five failures in a row; twice as long after each one more, ten minutes at most. */
  WEBHOOK_BREAKER_SECONDS: z.coerce.number().min(0.1).max(600).default(30),
  /** Seconds that one attempt may take. */
  DELIVERY_TIMEOUT_SECONDS: z.coerce.number().min(0.1).max(60).default(15),
  /** Days that finished deliveries stay in the log. */
  DELIVERY_RETENTION_DAYS: z.coerce.number().int().min(1).max(3_650).default(30),
});
export type Config = Readonly<z.infer<typeof notifierEnv>>;

export const readConfig = (env: NodeJS.ProcessEnv): Config => readEnv(notifierEnv, env);

/** Seconds to wait before each attempt through a channel of this type. */
export const scheduleOf = (config: Config, type: ChannelType): readonly number[] =>
  type === 'webhook' ? config.WEBHOOK_RETRY_SECONDS : config.MAIL_RETRY_SECONDS;
