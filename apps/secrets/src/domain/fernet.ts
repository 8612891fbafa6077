import { createDecipheriv, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';

const VERSION = 0x80;
const IV_AT = 9;
const CIPHERTEXT_AT = 25;
const MAC_BYTES = 32;
const BLOCK_BYTES = 16;

/** What a Fernet token holds; undefined when it is none, was changed, or is of another key. Its age does not matter. `key` has 32 bytes: half to sign, half to encrypt. */
export function openFernet(token: string, key: Buffer): Buffer | undefined {
  const bytes = Buffer.from(token, 'base64url');
  const macAt = bytes.length - MAC_BYTES;
  const ciphertextBytes = macAt - CIPHERTEXT_AT;
  if (bytes[0] !== VERSION || ciphertextBytes < BLOCK_BYTES || ciphertextBytes % BLOCK_BYTES !== 0)
    return undefined;
  const mac = createHmac('sha256', key.subarray(0, 16)).update(bytes.subarray(0, macAt)).digest();
  if (!timingSafeEqual(mac, bytes.subarray(macAt))) return undefined;
  const decipher = createDecipheriv(
    'aes-128-cbc',
    key.subarray(16, 32),
    bytes.subarray(IV_AT, CIPHERTEXT_AT),
  );
  return Buffer.concat([decipher.update(bytes.subarray(CIPHERTEXT_AT, macAt)), decipher.final()]);
}

const SALT = 'simpletuner-credential-encryption-v1';
const ROUNDS = 100_000;

/** SimpleTuner's key, made of its secret exactly as that is: neither trimmed nor decoded. Takes about 20 ms. */
export const simpletunerKey = (secret: string): Buffer => pbkdf2Sync(secret, SALT, ROUNDS, 32, 'sha256');

/** Whether a stored value looks encrypted: a Fernet token, or one that was encoded once more, which is what SimpleTuner writes. */
export const looksEncrypted = (stored: string): boolean => /^(gAAAAA|Z0FBQUFB)[\w=-]*$/.test(stored);

/** What an encrypted value of SimpleTuner holds; undefined when it does not open with the key. */
export function openSimpletuner(stored: string, key: Buffer): string | undefined {
  const token = stored.startsWith('Z0FBQUFB') ? Buffer.from(stored, 'base64url').toString('latin1') : stored;
  return openFernet(token, key)?.toString('utf8');
}
