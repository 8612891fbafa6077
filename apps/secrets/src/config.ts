import { ConfigError, masterKeyEnv, readEnv, serviceEnv } from '@lineclear/kit';
import { z } from 'zod';
import { isOwnSetting } from './domain/environment-variable.js';

const secretsEnv = serviceEnv.extend({
  LINECLEAR_CREDENTIAL_KEY: masterKeyEnv.base64,
  LINECLEAR_KEY_FILE: masterKeyEnv.file,
  LINECLEAR_SECRETS_ENV_PREFIX: z
    .string()
    .regex(/^[A-Z_][A-Z0-9_]{0,63}$/, 'is not made of A-Z, 0-9 and _')
    .refine(
      (prefix) => !isOwnSetting(`${prefix}_X`),
      "is the beginning of settings of Lineclear's own; LINECLEAR_SECRET is free",
    )
    .optional(),
});
export type Config = z.infer<typeof secretsEnv>;

/** The service's settings. @throws ConfigError also when no source of the key is named: there is no default for that. */
export function readConfig(env: NodeJS.ProcessEnv): Readonly<Config> {
  const config = readEnv(secretsEnv, env);
  if (config.LINECLEAR_CREDENTIAL_KEY === undefined && config.LINECLEAR_KEY_FILE === undefined) {
    throw new ConfigError(
      'no key to encrypt secrets with: set LINECLEAR_CREDENTIAL_KEY (base64 of 32 bytes: openssl rand -base64 32), ' +
        'or LINECLEAR_KEY_FILE (a path; the file is made at the first start). Nothing is ever stored without one.',
    );
  }
  return config;
}
