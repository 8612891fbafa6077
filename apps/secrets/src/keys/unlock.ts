import { ConfigError, findMasterKey, type Database, type Logger } from '@lineclear/kit';
import type { Config } from '../config.js';
import { listKeks, noteKek, type NotedKek } from '../db/keys.repo.js';
import { deriveKek, isSameKek } from '../domain/kek.js';
import { KeyRing } from './key-ring.js';

// Every replica takes the same number; migrations and the outbox relay hold others in this database.
const UNLOCK_LOCK = 5_326_001;

/**
 * Finds the key-encryption key and proves that it is the one this database was begun with; at the very first start it
 * is made and noted. Replicas that start together do so one after the other. @throws ConfigError for a wrong, missing or exposed key.
 */
export async function unlock(database: Database, config: Config, log: Logger): Promise<KeyRing> {
  const lock = await database.dedicated();
  try {
    await lock.query('select pg_advisory_lock($1)', [UNLOCK_LOCK]);
    const noted = await listKeks(database);
    const source = {
      given: config.LINECLEAR_CREDENTIAL_KEY,
      path: config.LINECLEAR_KEY_FILE,
      variable: 'LINECLEAR_KEY_FILE',
      inUse: noted.length === 0 ? undefined : `has secrets encrypted with ${idsOf(noted)}`,
      onMade: 'made a new key for the secrets: keep a copy of this file elsewhere, without it they are lost',
    };
    const masterKey = await findMasterKey(source, log);
    const kek = deriveKek(masterKey);
    masterKey.fill(0);
    if (noted.length === 0) {
      await noteKek(database, kek);
      log.info({ kek: kek.id }, 'this key encrypts the secrets from now on');
    } else if (!noted.some((known) => isSameKek(kek, known))) {
      throw new ConfigError(
        `this is not the key that the secrets in this database are encrypted with (${kek.id}; it needs ${idsOf(noted)}). ` +
          `${sourceOf(config)} must hold that one again. Nothing was changed.`,
      );
    }
    return new KeyRing(kek);
  } finally {
    await lock.end();
  }
}

const idsOf = (noted: readonly NotedKek[]): string => noted.map(({ id }) => id).join(', ');
const sourceOf = (config: Config): string =>
  config.LINECLEAR_CREDENTIAL_KEY
    ? 'LINECLEAR_CREDENTIAL_KEY'
    : `LINECLEAR_KEY_FILE (${config.LINECLEAR_KEY_FILE})`;
