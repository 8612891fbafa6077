import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** The configuration is wrong: the message lists every name and what is wrong with it. The boot stops. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Lists what zod found, one line each, as `PATH: message`. */
export function explainIssues(error: z.ZodError): string[] {
  return error.issues.map((issue) => `${issue.path.map(String).join('.') || '(root)'}: ${issue.message}`);
}

/**
 * Reads the environment once through a schema into a frozen object. `NAME_FILE` names a file that holds the value of
 * `NAME`: that is how containers hand over secrets. @throws ConfigError naming each wrong variable, never its value.
 */
export function readEnv<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  env: NodeJS.ProcessEnv,
): Readonly<z.infer<z.ZodObject<Shape>>> {
  const known = Object.keys(schema.shape);
  const given = Object.fromEntries(known.map((name) => [name, valueOf(name, env)]));
  const parsed = schema.safeParse(given);
  if (!parsed.success)
    throw new ConfigError(`the environment is not right:\n  ${explainIssues(parsed.error).join('\n  ')}`);
  return Object.freeze(parsed.data);
}

function valueOf(name: string, env: NodeJS.ProcessEnv): string | undefined {
  // An empty variable means "not set", as it does for most programs.
  if (env[name]) return env[name];
  const file = env[`${name}_FILE`];
  if (!file) return undefined;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new ConfigError(`${name}_FILE names ${file}, which cannot be read`, { cause });
  }
}

export const flag = z
  .enum(['true', 'false', '1', '0', 'yes', 'no', 'on', 'off'])
  .transform((value) => ['true', '1', 'yes', 'on'].includes(value));

/** What every service reads from its environment. */
export const serviceEnv = z.object({
  HOST: z.string().max(255).default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  NATS_URL: z.url({ protocol: /^(nats|tls)$/ }),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }),
  LINECLEAR_LOG_FORMAT: z.enum(['json', 'pretty']).default('pretty'),
  LINECLEAR_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  /** Connections this process may open to its database. */
  DATABASE_POOL: z.coerce.number().int().min(2).max(200).default(10),
  PUBLIC_URL: z.url().default('http://127.0.0.1:8080'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url().optional(),
});
export type ServiceConfig = Readonly<z.infer<typeof serviceEnv>>;
