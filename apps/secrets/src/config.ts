import { ConfigError, masterKeyEnv, readEnv, serviceEnv } from '@lineclear/kit';
import { z } from 'zod';
import { isOwnSetting } from './domain/environment-variable.js';
import { awsEnv } from './sources/aws-env.js';
import { sourcesEnv } from './sources/sources-env.js';
import { vaultEnv, vaultSettings } from './vault/vault-env.js';

const secretsEnv = serviceEnv.extend({
  ...sourcesEnv,
  ...awsEnv,
  LINECLEAR_CREDENTIAL_KEY: masterKeyEnv.several,
  LINECLEAR_KEY_FILE: masterKeyEnv.file,
  LINECLEAR_SECRETS_ENV_PREFIX: z
    .string()
    .regex(/^[A-Z_][A-Z0-9_]{0,63}$/, 'is not made of A-Z, 0-9 and _')
    .refine(
      (prefix) => !isOwnSetting(`${prefix}_X`),
      "is the beginning of settings of Lineclear's own; LINECLEAR_SECRET is free",
    )
    .optional(),
  /** How many versions of a secret are kept. */
  LINECLEAR_SECRETS_KEEP_VERSIONS: z.coerce.number().int().min(1).max(1_000).default(20),
  /** For how long a removed secret can be had back. */
  LINECLEAR_SECRETS_UNDELETE_DAYS: z.coerce.number().min(0).max(3_650).default(30),
  /** For how long it is kept who asked for which secret; 0 for as long as the database lasts. */
  LINECLEAR_SECRETS_ACCESS_LOG_DAYS: z.coerce.number().min(0).max(36_500).default(400),
  /** How soon a value that was taken in an emergency has to be another one. */
  LINECLEAR_SECRETS_BREAK_GLASS_HOURS: z.coerce.number().min(1).max(168).default(24),
  LINECLEAR_SECRETS_SWEEP_SECONDS: z.coerce.number().min(0.2).max(3_600).default(60),
  ...vaultEnv,
});
export type Config = z.infer<typeof secretsEnv>;

/** The service's settings. @throws ConfigError also when no source of the key is named: there is no default for that. */
export function readConfig(env: NodeJS.ProcessEnv): Readonly<Config> {
  const config = readEnv(secretsEnv, env);
  const remote = [config.LINECLEAR_KMS_KEY, config.LINECLEAR_VAULT_TRANSIT_KEY].filter(Boolean).length;
  if (remote > 1)
    throw new ConfigError(
      'LINECLEAR_KMS_KEY and LINECLEAR_VAULT_TRANSIT_KEY are both set: one of them wraps the keys',
    );
  if (
    remote === 0 &&
    config.LINECLEAR_CREDENTIAL_KEY === undefined &&
    config.LINECLEAR_KEY_FILE === undefined
  ) {
    throw new ConfigError(
      'no key to encrypt secrets with: set LINECLEAR_CREDENTIAL_KEY (base64 of 32 bytes: openssl rand -base64 32), ' +
        'or LINECLEAR_KEY_FILE (a path; the file is made at the first start), or LINECLEAR_KMS_KEY, or ' +
        'LINECLEAR_VAULT_TRANSIT_KEY. Nothing is ever stored without one.',
    );
  }
  vaultSettings(config);
  return config;
}
