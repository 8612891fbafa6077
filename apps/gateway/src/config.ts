import { z } from 'zod';

const origin = z
  .url({ protocol: /^https?$/ })
  .max(300)
  .refine((url) => /^https?:\/\/[^/?#@]+\/?$/.test(url), 'must be scheme, host and port only')
  .transform((url) => new URL(url).origin);

const Env = z.object({
  HOST: z.string().min(1).max(255).default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65535).default(8080),
  AUTH_URL: origin,
  SECRETS_URL: origin,
  APPROVALS_URL: origin,
  QUEUE_SCHEDULER_URL: origin,
  NOTIFIER_URL: origin,
  JOB_POLLER_URL: origin,
  LINECLEAR_LOG_FORMAT: z.enum(['json', 'pretty']).default('pretty'),
  LINECLEAR_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  /** What people's browsers call this house: behind HTTPS they are told to stay there. */
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).default('http://127.0.0.1:8080'),
  /** Lets any caller read /metrics; otherwise only one on this machine. */
  METRICS_PUBLIC: z.stringbool().default(false),
});

export type Config = ReturnType<typeof readConfig>;

export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env) {
  const read = Env.safeParse(env);
  if (!read.success)
    throw new Error(`the gateway's configuration is not valid:\n${z.prettifyError(read.error)}`);
  const { data } = read;
  return Object.freeze({
    host: data.HOST,
    port: data.PORT,
    origins: {
      auth: data.AUTH_URL,
      secrets: data.SECRETS_URL,
      approvals: data.APPROVALS_URL,
      'queue-scheduler': data.QUEUE_SCHEDULER_URL,
      notifier: data.NOTIFIER_URL,
      'job-poller': data.JOB_POLLER_URL,
    },
    logFormat: data.LINECLEAR_LOG_FORMAT,
    logLevel: data.LINECLEAR_LOG_LEVEL,
    publicUrl: data.PUBLIC_URL,
    metricsPublic: data.METRICS_PUBLIC,
  });
}
