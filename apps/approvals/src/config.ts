import { readEnv, serviceEnv } from '@lineclear/kit';
import { MAX_REMINDERS } from '@lineclear/contracts';
import { z } from 'zod';

const hours = z
  .string()
  .transform((list) => (list.trim() === '0' ? [] : list.split(',').map(Number)))
  .pipe(
    z
      .array(z.number().min(0.0001).max(8_760))
      .max(MAX_REMINDERS)
      .refine((all) => all.every((one, n) => n === 0 || one > all[n - 1]!), 'do not rise'),
  );

const approvalsEnv = serviceEnv.extend({
  /** A request that nobody decided in this time is expired. */
  APPROVAL_TTL_HOURS: z.coerce.number().min(0.0001).max(8_760).default(24),
  /** How long after a request was opened whoever may decide is reminded of it, comma list; 0: never. */
  APPROVAL_REMIND_AFTER_HOURS: hours.default([4, 20]),
  /** Who passed an approval passes no other one while somebody should have looked at it for so long. */
  APPROVAL_REVIEW_HOURS: z.coerce.number().min(0.0001).max(8_760).default(24),
  /** How often expiries are written down and told, and reminders sent; a request past its time cannot be approved in between either. */
  APPROVAL_EXPIRY_TICK_SECONDS: z.coerce.number().min(0.1).max(3_600).default(15),
});
export type Config = Readonly<z.infer<typeof approvalsEnv>>;

export const readConfig = (env: NodeJS.ProcessEnv): Config => readEnv(approvalsEnv, env);
