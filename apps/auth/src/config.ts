import { ConfigError, masterKeyEnv, readEnv, serviceEnv } from '@lineclear/kit';
import { z } from 'zod';

const authEnv = serviceEnv.extend({
  /** The file with the key for what is kept here and must be read again: secrets of identity providers and the like. */
  LINECLEAR_AUTH_KEY_FILE: masterKeyEnv.file,
  /** The key itself, for containers: their secrets are files that everyone in them may read. */
  LINECLEAR_AUTH_KEY_BASE64: masterKeyEnv.base64,
  /** For how many days entries of the audit log are kept; 0 keeps all. */
  LINECLEAR_AUDIT_RETENTION_DAYS: z.coerce.number().int().min(0).max(36_500).default(90),
  /** A file that the heads of the audit log are added to: kept where whoever changes the database does not come. */
  LINECLEAR_AUDIT_HEADS_FILE: z.string().max(4_096).optional(),
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
