import { createCipheriv, createDecipheriv } from 'node:crypto';

/** What a ciphertext belongs to. Moved to another place, it no longer opens. */
export interface Binding {
  readonly purpose: 'secret' | 'sealing-key' | 'fingerprint-key' | 'vault-session' | 'vault-lease';
  readonly scope: string;
  readonly secretId: string;
  readonly name: string;
  readonly version: number;
}

/** One value at rest: encrypted with a data key of its own, which is wrapped by a key-encryption key. */
export interface SealedRecord {
  readonly kekId: string;
  /** `LCR`, format, algorithm, version of the key, length of its id, its id, nonce, wrapped data key, tag. */
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
  readonly version: number;
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
const VALUE_FORMAT = '1';
/** The first format's header has no version. */
const WITHOUT_VERSION = 1;
const FORMAT = 2;
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
    return {
      kekId: kek.id,
      wrappedKey: wrap(kek, binding, dataKey, wrapNonce),
      nonce,
      ciphertext: encrypt(dataKey, nonce, valueContext(binding), value),
    };
  } finally {
    dataKey.fill(0);
  }
}

/** The value, in a buffer that the caller zeroes. @throws CannotOpen for another key, another place, or a changed bit. */
export function openRecord(kek: WrappingKey, binding: Binding, record: SealedRecord): Buffer {
  const dataKey = unwrap(kek, binding, record);
  try {
    return decrypt(dataKey, record.nonce, valueContext(binding), record.ciphertext);
  } finally {
    dataKey.fill(0);
  }
}

/** The same record with its data key wrapped by another key: the value stays as it is encrypted. @throws CannotOpen as openRecord does. */
export function rewrapRecord(
  from: WrappingKey,
  to: WrappingKey,
  binding: Binding,
  record: SealedRecord,
  wrapNonce: Buffer,
): SealedRecord {
  const dataKey = unwrap(from, binding, record);
  try {
    return { ...record, kekId: to.id, wrappedKey: wrap(to, binding, dataKey, wrapNonce) };
  } finally {
    dataKey.fill(0);
  }
}

function wrap(kek: WrappingKey, binding: Binding, dataKey: Buffer, wrapNonce: Buffer): Buffer {
  const header = headerOf(kek, FORMAT);
  const wrapped = encrypt(kek.wrappingKey, wrapNonce, wrapContext(header, binding), dataKey);
  return Buffer.concat([header, wrapNonce, wrapped]);
}

function unwrap(kek: WrappingKey, binding: Binding, { kekId, wrappedKey }: SealedRecord): Buffer {
  const format = wrappedKey[MAGIC.length];
  const header = headerOf(kek, format === WITHOUT_VERSION ? WITHOUT_VERSION : FORMAT);
  const body = wrappedKey.subarray(header.length);
  const known =
    kekId === kek.id &&
    wrappedKey.subarray(0, header.length).equals(header) &&
    body.length === NONCE_BYTES + DATA_KEY_BYTES + TAG_BYTES;
  if (!known) throw new CannotOpen('the record has another format or key');
  return decrypt(
    kek.wrappingKey,
    body.subarray(0, NONCE_BYTES),
    wrapContext(header, binding),
    body.subarray(NONCE_BYTES),
  );
}

function headerOf({ id, version }: WrappingKey, format: number): Buffer {
  const name = Buffer.from(id, 'ascii');
  const number = Buffer.alloc(format === WITHOUT_VERSION ? 0 : 4);
  if (number.length > 0) number.writeUInt32BE(version);
  return Buffer.concat([MAGIC, Buffer.from([format, AES_256_GCM]), number, Buffer.from([name.length]), name]);
}

const fieldsOf = (binding: Binding): string[] => [
  binding.purpose,
  binding.scope,
  binding.secretId,
  binding.name,
  String(binding.version),
];
const valueContext = (binding: Binding): Buffer =>
  boundTo(['lineclear value', VALUE_FORMAT, ...fieldsOf(binding)]);
const wrapContext = (header: Buffer, binding: Binding): Buffer =>
  boundTo(['lineclear data key', header.toString('hex'), ...fieldsOf(binding)]);

/** Associated data of these parts, each with its length before it: no two lists of parts give the same bytes. */
export function boundTo(parts: readonly string[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = Buffer.from(part, 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** AES-256-GCM; the tag is the last 16 bytes. */
export function encrypt(key: Buffer, nonce: Buffer, context: Buffer, clear: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(context);
  return Buffer.concat([cipher.update(clear), cipher.final(), cipher.getAuthTag()]);
}

/** What `encrypt` made, in a buffer that the caller zeroes. @throws CannotOpen */
export function decrypt(key: Buffer, nonce: Buffer, context: Buffer, sealed: Buffer): Buffer {
  if (nonce.length !== NONCE_BYTES || sealed.length < TAG_BYTES)
    throw new CannotOpen('the record has another format');
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
