import { readEnv, serviceEnv } from '@lineclear/kit';
import { z } from 'zod';

const approvalsEnv = serviceEnv.extend({
  /** A request that nobody decided in this time is expired. */
  APPROVAL_TTL_HOURS: z.coerce.number().min(0.0001).max(8_760).default(24),
  /** How often expiries are written down and told; a request past its time cannot be approved in between either. */
  APPROVAL_EXPIRY_TICK_SECONDS: z.coerce.number().min(0.1).max(3_600).default(15),
});
export type Config = Readonly<z.infer<typeof approvalsEnv>>;

export const readConfig = (env: NodeJS.ProcessEnv): Config => readEnv(approvalsEnv, env);
