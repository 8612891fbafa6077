import { ConfigError, findMasterKeys, type Database, type Logger } from '@lineclear/kit';
import type { Config } from '../config.js';
import { insertKek, keepWrapped, listKeks, type KeptKek } from '../db/keys.repo.js';
import { CannotOpen } from '../domain/envelope.js';
import { deriveFirstKek, isFirstKek } from '../domain/kek.js';
import { KeyRing } from './key-ring.js';
import { LocalRoot } from './local-root.js';
import type { RootKey } from './root-key.js';
import { Roots } from './roots.js';

// Every replica takes the same number; migrations and the outbox relay hold others in this database.
const UNLOCK_LOCK = 5_326_001;

/**
 * Finds the root key and proves that it opens the key-encryption keys of this database; at the very first start one is
 * made. What another root key wrapped is wrapped anew by the first one given. Replicas that start together do so one
 * after the other. @throws ConfigError for a wrong, missing or exposed key; Unavailable when a remote root key is out of reach
 */
export async function unlock(
  database: Database,
  config: Config,
  log: Logger,
  remote?: RootKey,
): Promise<KeyRing> {
  const lock = await database.dedicated();
  try {
    await lock.query('select pg_advisory_lock($1)', [UNLOCK_LOCK]);
    const kept = await listKeks(database);
    const masterKeys = await masterKeysOf(kept, config, log, remote);
    const locals = masterKeys.map((key) => new LocalRoot(key));
    // One of them at least: the configuration is refused otherwise.
    const roots = new Roots((remote ? [remote, ...locals] : locals) as [RootKey, ...RootKey[]]);
    for (const kek of kept) {
      const key = await openKek(kek, roots, masterKeys);
      if (!key) throw wrongKey(kek, config);
      if (kek.rootId !== roots.inUse) {
        await keepWrapped(database, await roots.wrap(kek.id, key));
        log.info({ kek: kek.id, from: kek.rootId, to: roots.inUse }, 'another root key wraps this key now');
      }
      key.fill(0);
    }
    for (const key of masterKeys) key.fill(0);
    const ring = new KeyRing(database, roots);
    if (kept.length === 0) {
      const kek = await ring.make();
      await insertKek(database, kek);
      log.info({ kek: kek.id, root: kek.rootId }, 'this key encrypts the secrets from now on');
    }
    await ring.refresh();
    return ring;
  } finally {
    await lock.end();
  }
}

/** The master keys of this house; with a root key elsewhere there need be none. */
async function masterKeysOf(
  kept: readonly KeptKek[],
  { LINECLEAR_CREDENTIAL_KEY: given, LINECLEAR_KEY_FILE: path }: Config,
  log: Logger,
  remote: RootKey | undefined,
): Promise<Buffer[]> {
  if (remote && given === undefined && path === undefined) return [];
  const ids = kept.map(({ id, rootId }) => rootId ?? id);
  const source = {
    given,
    path,
    variable: 'LINECLEAR_KEY_FILE',
    inUse: kept.length === 0 ? undefined : `has secrets encrypted with ${[...new Set(ids)].join(', ')}`,
    onMade: 'made a new key for the secrets: keep a copy of this file elsewhere, without it they are lost',
  };
  return findMasterKeys(source, log);
}

/** The key itself, in a buffer that the caller zeroes; undefined when nothing that was given opens it. */
async function openKek(
  { id, rootId, wrapped, checkValue }: KeptKek,
  roots: Roots,
  masterKeys: readonly Buffer[],
): Promise<Buffer | undefined> {
  if (rootId === null || wrapped === null)
    return masterKeys.map(deriveFirstKek).find((first) => isFirstKek(first, { id, checkValue }))?.wrappingKey;
  try {
    return await roots.unwrap({ id, rootId, wrapped });
  } catch (error) {
    if (error instanceof CannotOpen) return undefined;
    throw error;
  }
}

function wrongKey({ id, rootId }: KeptKek, config: Config): ConfigError {
  const { LINECLEAR_CREDENTIAL_KEY: given, LINECLEAR_KEY_FILE: path } = config;
  const variable = given || path === undefined ? 'LINECLEAR_CREDENTIAL_KEY' : `LINECLEAR_KEY_FILE (${path})`;
  return new ConfigError(
    `this is not the key that the secrets in this database are encrypted with (they need ${rootId ?? id}). ` +
      `${variable} must hold that one again. Nothing was changed.`,
  );
}
