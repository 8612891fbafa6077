import { ConfigError, findMasterKey, type Database, type Logger } from '@lineclear/kit';
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
    const source = {
      given: config.LINECLEAR_AUTH_KEY_BASE64,
      path: config.LINECLEAR_AUTH_KEY_FILE,
      variable: VARIABLE,
      inUse: isInUse ? 'holds what was sealed with it' : undefined,
      onMade:
        'made a new key for what auth keeps: keep a copy of this file elsewhere, without it logins by other providers and second factors stop',
    };
    const atRest = new AtRest(await findMasterKey(source, log));
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
