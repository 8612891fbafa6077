import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';

const Env = z.object({
  PORT: z.coerce.number().int().min(1).max(65_535).default(8080),
  LINECLEAR_HOME: z.string().min(1).max(1_000).optional(),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional(),
  NATS_URL: z.url({ protocol: /^(nats|tls)$/ }).optional(),
});

export interface LauncherConfig {
  readonly port: number;
  readonly home: string;
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly natsUrl: string | undefined;
  /** npm started us, through a shell: a signal to npm ends that shell and never arrives here. */
  readonly isUnderNpm: boolean;
  /** The whole environment: services are given what the user set, such as keys of providers. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
}

/** Reads the environment; an empty variable counts as not set, and a `home` that is given wins. @throws Error naming each wrong variable, never its value. */
export function readConfig(env: NodeJS.ProcessEnv = process.env, givenHome?: string): LauncherConfig {
  const given = Object.fromEntries(Object.keys(Env.shape).map((name) => [name, env[name] || undefined]));
  const { success, data, error } = Env.safeParse(given);
  if (!success) {
    const wrong = error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`the environment is not right:\n  ${wrong.join('\n  ')}`);
  }
  return {
    port: data.PORT,
    home: resolve(givenHome ?? data.LINECLEAR_HOME ?? join(homedir(), '.lineclear')),
    databaseUrl: data.DATABASE_URL,
    redisUrl: data.REDIS_URL,
    natsUrl: data.NATS_URL,
    isUnderNpm: env['npm_lifecycle_event'] !== undefined,
    env,
  };
}
