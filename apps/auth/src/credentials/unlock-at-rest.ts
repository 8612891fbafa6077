import {
  ConfigError,
  createKeyFile,
  decodeMasterKey,
  readKeyFile,
  type Database,
  type Logger,
} from '@lineclear/kit';
import type { Config } from '../config.js';
import * as keys from '../db/at-rest-key.repo.js';
import { AtRest } from './at-rest.js';

// Every replica takes the same number; users.repo.ts says which others are taken.
const UNLOCK_LOCK = 727_302;
const VARIABLE = 'LINECLEAR_AUTH_KEY_FILE';

/**
 * Finds the key and proves that it is the one that what is here was sealed with; at the very first start it is made and
 * noted. Where nothing is sealed yet, any key will do. @throws ConfigError for a wrong, missing or exposed key.
 */
export async function unlockAtRest(database: Database, config: Config, log: Logger): Promise<AtRest> {
  const lock = await database.dedicated();
  try {
    // Replicas that start together do so one after the other.
    await lock.query('select pg_advisory_lock($1)', [UNLOCK_LOCK]);
    const noted = await keys.noted(database);
    const isInUse = noted !== undefined && (await keys.anythingIsSealed(database));
    const atRest = new AtRest(await findKey(config, isInUse, log));
    if (noted?.equals(atRest.checkValue)) return atRest;
    if (isInUse) {
      throw new ConfigError(
        `this is not the key that what auth keeps is sealed with: ${VARIABLE} must name that one again. Nothing was changed.`,
      );
    }
    await keys.note(database, atRest.checkValue);
    return atRest;
  } finally {
    await lock.end();
  }
}

async function findKey(config: Config, isInUse: boolean, log: Logger): Promise<Buffer> {
  const given =
    config.LINECLEAR_AUTH_KEY_BASE64 && decodeMasterKey(config.LINECLEAR_AUTH_KEY_BASE64.reveal());
  if (given) return given;
  const path = config.LINECLEAR_AUTH_KEY_FILE;
  if (path === undefined) throw new ConfigError(`set ${VARIABLE}`);
  const file = { path, variable: VARIABLE };
  const kept = await readKeyFile(file);
  if (kept) return kept;
  // A new key would open nothing of what is here, and would hide that the old one is gone.
  if (isInUse) {
    throw new ConfigError(
      `${VARIABLE}: there is no ${path}, but this database holds what was sealed with it: bring that key back`,
    );
  }
  await createKeyFile(file);
  log.warn(
    { path },
    'made a new key for what auth keeps: keep a copy of this file elsewhere, without it logins by other providers stop',
  );
  const made = await readKeyFile(file);
  if (!made) throw new ConfigError(`${VARIABLE}: ${path} was made and is gone again`);
  return made;
}
