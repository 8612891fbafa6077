import { SealingKey, type Database } from '@lineclear/kit';
import { findSealingKey, keepSealingKey } from '../db/keys.repo.js';
import type { Binding } from '../domain/envelope.js';
import { GLOBAL } from '../domain/lookup.js';
import type { KeyRing } from './key-ring.js';

const ID = 'requests';
const BINDING: Binding = {
  purpose: 'sealing-key',
  scope: GLOBAL,
  secretId: ID,
  name: 'secrets.public_key',
  version: 1,
};

/** The key to which others seal what they give us. It is kept, encrypted like a secret: whichever replica is asked can open what another's answer led to. */
export async function loadSealingKey(database: Database, ring: KeyRing): Promise<SealingKey> {
  // Of several that start at once the first one's key stays.
  if (!(await findSealingKey(database, ID)))
    await keepSealingKey(database, ID, ring.seal(BINDING, new SealingKey().exportPrivate()));
  const kept = await findSealingKey(database, ID);
  if (!kept) throw new Error('the sealing key was kept and is gone again');
  return new SealingKey(ring.open(BINDING, kept).reveal());
}
