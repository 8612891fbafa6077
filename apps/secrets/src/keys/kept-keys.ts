import { randomBytes } from 'node:crypto';
import { SealingKey, type Database } from '@lineclear/kit';
import { findKeptKey, keepKey } from '../db/keys.repo.js';
import type { Binding } from '../domain/envelope.js';
import { Fingerprints } from '../domain/fingerprint.js';
import { GLOBAL } from '../domain/scopes.js';
import type { KeyRing } from './key-ring.js';

const bindingOf = (id: string, purpose: Binding['purpose'], name: string): Binding => ({
  purpose,
  scope: GLOBAL,
  secretId: id,
  name,
  version: 1,
});
/** The service's own keys by their ids, and the places that they are sealed for. */
export const KEPT_KEYS = {
  requests: bindingOf('requests', 'sealing-key', 'secrets.public_key'),
  fingerprints: bindingOf('fingerprints', 'fingerprint-key', 'fingerprints'),
} as const;

/** The key to which others seal what they give us: whichever replica is asked can open what another's answer led to. */
export const loadSealingKey = async (database: Database, ring: KeyRing): Promise<SealingKey> =>
  new SealingKey(await keptKey(database, ring, 'requests', () => new SealingKey().exportPrivate()));

/** What tells equal values from different ones without telling the values. */
export const loadFingerprints = async (database: Database, ring: KeyRing): Promise<Fingerprints> =>
  new Fingerprints(
    Buffer.from(
      await keptKey(database, ring, 'fingerprints', () => randomBytes(32).toString('base64')),
      'base64',
    ),
  );

/** A key of the service's own, made once and kept encrypted like a secret. Of several that start at once the first one's stays. */
async function keptKey(
  database: Database,
  ring: KeyRing,
  id: keyof typeof KEPT_KEYS,
  make: () => string,
): Promise<string> {
  if (!(await findKeptKey(database, id)))
    await keepKey(database, id, ring.seal(await ring.newest(), KEPT_KEYS[id], make()));
  const kept = await findKeptKey(database, id);
  if (!kept) throw new Error(`the key ${id} was kept and is gone again`);
  return (await ring.open(KEPT_KEYS[id], kept)).reveal();
}
