import { ConfigError, masterKeyEnv, readEnv, serviceEnv } from '@lineclear/kit';
import { z } from 'zod';

const authEnv = serviceEnv.extend({
  /** The file with the key for what is kept here and must be read again: secrets of identity providers and the like. */
  LINECLEAR_AUTH_KEY_FILE: masterKeyEnv.file,
  /** The key itself, for containers: their secrets are files that everyone in them may read. */
  LINECLEAR_AUTH_KEY_BASE64: masterKeyEnv.base64,
});
export type Config = Readonly<z.infer<typeof authEnv>>;

/** What the auth service reads from its environment. @throws ConfigError naming each wrong variable, also when no key is named: there is no default for that. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const config = readEnv(authEnv, env);
  if (config.LINECLEAR_AUTH_KEY_FILE === undefined && config.LINECLEAR_AUTH_KEY_BASE64 === undefined) {
    throw new ConfigError(
      'no key for what auth keeps: set LINECLEAR_AUTH_KEY_FILE (a path; the file is made at the first start), ' +
        'or LINECLEAR_AUTH_KEY_BASE64 (base64 of 32 bytes: openssl rand -base64 32)',
    );
  }
  return config;
}
