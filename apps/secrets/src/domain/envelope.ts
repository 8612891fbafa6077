import { createCipheriv, createDecipheriv } from 'node:crypto';

/** What a ciphertext belongs to. Moved to another place, it no longer opens. */
export interface Binding {
  readonly purpose: 'secret' | 'sealing-key';
  readonly scope: string;
  readonly secretId: string;
  readonly name: string;
  readonly version: number;
}

/** One value at rest: encrypted with a data key of its own, which is wrapped by a key-encryption key. */
export interface SealedRecord {
  readonly kekId: string;
  /** `LCR`, format, algorithm, length of the key's id, the key's id, nonce, wrapped data key, tag. */
  readonly wrappedKey: Buffer;
  readonly nonce: Buffer;
  /** The tag is its last 16 bytes. */
  readonly ciphertext: Buffer;
}

/** Fresh random bytes for one record, never used for another. `dataKey` is zeroed once it has been used. */
export interface Randomness {
  readonly dataKey: Buffer;
  readonly nonce: Buffer;
  readonly wrapNonce: Buffer;
}

export interface WrappingKey {
  readonly id: string;
  readonly wrappingKey: Buffer;
}

/** The record is not what was sealed here, or was sealed with another key. Says no more on purpose. */
export class CannotOpen extends Error {
  override readonly name = 'CannotOpen';
}

export const DATA_KEY_BYTES = 32;
export const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const MAGIC = Buffer.from('LCR', 'ascii');
const FORMAT = 1;
const AES_256_GCM = 1;

export function sealRecord(
  kek: WrappingKey,
  binding: Binding,
  value: Buffer,
  random: Randomness,
): SealedRecord {
  const { dataKey, nonce, wrapNonce } = random;
  if (dataKey.length !== DATA_KEY_BYTES || nonce.length !== NONCE_BYTES || wrapNonce.length !== NONCE_BYTES) {
    throw new Error('the random bytes have the wrong length');
  }
  try {
    const header = headerOf(kek.id);
    const wrapped = encrypt(kek.wrappingKey, wrapNonce, wrapContext(header, binding), dataKey);
    return {
      kekId: kek.id,
      wrappedKey: Buffer.concat([header, wrapNonce, wrapped]),
      nonce,
      ciphertext: encrypt(dataKey, nonce, valueContext(binding), value),
    };
  } finally {
    dataKey.fill(0);
  }
}

/** The value, in a buffer that the caller zeroes. @throws CannotOpen for another key, another place, or a changed bit. */
export function openRecord(kek: WrappingKey, binding: Binding, record: SealedRecord): Buffer {
  const header = headerOf(kek.id);
  const { wrappedKey, nonce, ciphertext } = record;
  const body = wrappedKey.subarray(header.length);
  const known =
    record.kekId === kek.id &&
    wrappedKey.subarray(0, header.length).equals(header) &&
    body.length === NONCE_BYTES + DATA_KEY_BYTES + TAG_BYTES &&
    nonce.length === NONCE_BYTES &&
    ciphertext.length >= TAG_BYTES;
  if (!known) throw new CannotOpen('the record has another format or key');
  const dataKey = decrypt(
    kek.wrappingKey,
    body.subarray(0, NONCE_BYTES),
    wrapContext(header, binding),
    body.subarray(NONCE_BYTES),
  );
  try {
    return decrypt(dataKey, nonce, valueContext(binding), ciphertext);
  } finally {
    dataKey.fill(0);
  }
}

const headerOf = (kekId: string): Buffer => {
  const id = Buffer.from(kekId, 'ascii');
  return Buffer.concat([MAGIC, Buffer.from([FORMAT, AES_256_GCM, id.length]), id]);
};

const fieldsOf = (binding: Binding): string[] => [
  binding.purpose,
  binding.scope,
  binding.secretId,
  binding.name,
  String(binding.version),
];
const valueContext = (binding: Binding): Buffer =>
  lengthPrefixed(['lineclear value', String(FORMAT), ...fieldsOf(binding)]);
const wrapContext = (header: Buffer, binding: Binding): Buffer =>
  lengthPrefixed(['lineclear data key', header.toString('hex'), ...fieldsOf(binding)]);

/** Each part with its length before it: no two lists of parts give the same bytes. */
function lengthPrefixed(parts: readonly string[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = Buffer.from(part, 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}

function encrypt(key: Buffer, nonce: Buffer, context: Buffer, clear: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(context);
  return Buffer.concat([cipher.update(clear), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Buffer, nonce: Buffer, context: Buffer, sealed: Buffer): Buffer {
  const end = sealed.length - TAG_BYTES;
  // Without authTagLength Node would accept a tag cut down to four bytes.
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(context);
  decipher.setAuthTag(sealed.subarray(end));
  const unverified = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
  } catch {
    unverified.fill(0);
    throw new CannotOpen('the record was changed, or belongs elsewhere');
  }
  return unverified;
}
