import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { WrappingKey } from './envelope.js';

/** A key that wraps data keys. It is random; what is kept of it is wrapped by a root key. */
export type Kek = WrappingKey;

/** A key as it is kept: wrapped, and by which root key. */
export interface WrappedKey {
  readonly id: string;
  readonly rootId: string;
  readonly wrapped: Buffer;
}

const MASTER_KEY_BYTES = 32;

/** One use, one key: what is derived for one purpose says nothing about another. */
function derive(masterKey: Buffer, label: string, bytes: number): Buffer {
  if (masterKey.length !== MASTER_KEY_BYTES) throw new Error(`a master key has ${MASTER_KEY_BYTES} bytes`);
  return Buffer.from(hkdfSync('sha256', masterKey, Buffer.alloc(0), label, bytes));
}

/** What a master key wraps key-encryption keys with, and how people recognise it. */
export const deriveRoot = (masterKey: Buffer): { id: string; wrappingKey: Buffer } => ({
  id: `local:${derive(masterKey, 'lineclear root v1 id', 8).toString('hex')}`,
  wrappingKey: derive(masterKey, 'lineclear root v1 wrap', 32),
});

/**
 * The key-encryption key of houses from before keys were random: it was made from the master key. Its check value is in
 * their database, and tells a wrong master key from the right one.
 */
export function deriveFirstKek(masterKey: Buffer): Omit<Kek, 'version'> & { checkValue: Buffer } {
  const of = (purpose: string, bytes: number): Buffer =>
    derive(masterKey, `lineclear kek v1 ${purpose}`, bytes);
  return {
    id: `kek_${of('id', 8).toString('hex')}`,
    wrappingKey: of('wrap', 32),
    checkValue: createHmac('sha256', of('check', 32)).update('lineclear secrets').digest(),
  };
}

/** Whether this is the key whose id and check value were noted. */
export const isFirstKek = (
  kek: { readonly id: string; readonly checkValue: Buffer },
  noted: { readonly id: string; readonly checkValue: Buffer | null },
): boolean =>
  kek.id === noted.id &&
  noted.checkValue?.length === kek.checkValue.length &&
  timingSafeEqual(kek.checkValue, noted.checkValue);
