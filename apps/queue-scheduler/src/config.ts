import { flag, jobRetentionDays, readEnv, serviceEnv } from '@lineclear/kit';
import { z } from 'zod';

const seconds = (fallback: number) => z.coerce.number().min(0.05).max(86_400).default(fallback);

const env = serviceEnv.extend({
  /** Jobs may run as processes of the machine that the job-poller runs on. */
  LINECLEAR_LOCAL_PROVIDER: flag.default(false),
  /** After so long without an answer from approvals a job is submitted to it again. */
  LINECLEAR_EVALUATION_LEASE_SECONDS: seconds(30),
  /** After so long without word from the job-poller a claim, or a cancel, is sent again. */
  LINECLEAR_DISPATCH_LEASE_SECONDS: seconds(60),
  LINECLEAR_RUN_LEASE_SECONDS: seconds(600),
  LINECLEAR_SWEEP_SECONDS: seconds(5),
  LINECLEAR_JOB_RETENTION_DAYS: jobRetentionDays,
  LINECLEAR_IDEMPOTENCY_HOURS: z.coerce.number().min(24).max(8_760).default(24),
  /** What becomes of a submit while the secrets service does not say whether it holds a secret. */
  LINECLEAR_SCAN_WHEN_AWAY: z.enum(['accept', 'refuse']).default('accept'),
  /** How long a submit waits for approvals before the job is stored unevaluated. */
  LINECLEAR_EVALUATION_DEADLINE_MS: z.coerce.number().int().min(50).max(10_000).default(1_500),
  /** How many recent events a process keeps for those who come back: older ones are answered with `reset`. */
  LINECLEAR_EVENTS_KEPT: z.coerce.number().int().min(10).max(100_000).default(10_000),
  /** How many connections follow events, in all and of one person; each at one process. */
  LINECLEAR_EVENTS_CONNECTIONS: z.coerce.number().int().min(1).max(50_000).default(2_000),
  LINECLEAR_EVENTS_CONNECTIONS_PER_USER: z.coerce.number().int().min(1).max(50_000).default(20),
  LINECLEAR_EVENTS_HEARTBEAT_SECONDS: seconds(15),
});
export type Config = ReturnType<typeof readConfig>;

export const readConfig = (from: NodeJS.ProcessEnv) => readEnv(env, from);
