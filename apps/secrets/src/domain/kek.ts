import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

/** The key that wraps data keys. It is made from the master key, which itself encrypts nothing. */
export interface Kek {
  readonly id: string;
  readonly wrappingKey: Buffer;
  /** Kept in the database: tells a wrong key from the right one without anything being decrypted. */
  readonly checkValue: Buffer;
}

const MASTER_KEY_BYTES = 32;

/** One use, one key: what is derived for one purpose says nothing about another. */
const derive = (masterKey: Buffer, purpose: string, bytes: number): Buffer =>
  Buffer.from(hkdfSync('sha256', masterKey, Buffer.alloc(0), `lineclear kek v1 ${purpose}`, bytes));

export function deriveKek(masterKey: Buffer): Kek {
  if (masterKey.length !== MASTER_KEY_BYTES) throw new Error(`a master key has ${MASTER_KEY_BYTES} bytes`);
  const checkKey = derive(masterKey, 'check', 32);
  return {
    id: `kek_${derive(masterKey, 'id', 8).toString('hex')}`,
    wrappingKey: derive(masterKey, 'wrap', 32),
    checkValue: createHmac('sha256', checkKey).update('lineclear secrets').digest(),
  };
}

/** Whether this is the key whose id and check value were noted. */
export const isSameKek = (kek: Kek, noted: { readonly id: string; readonly checkValue: Buffer }): boolean =>
  kek.id === noted.id &&
  noted.checkValue.length === kek.checkValue.length &&
  timingSafeEqual(kek.checkValue, noted.checkValue);
