import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { Secret } from '@lineclear/kit';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = 'aes-256-gcm';

/** What something is kept for. Each purpose has a key of its own, so that nothing is read as something else. */
export type Purpose = 'provider-secret' | 'oidc-verifier' | 'totp-secret';

/** What something is proved for, by a key of its own each. */
type Proof = 'audit-entry' | 'audit-head' | 'audit-anchor';

/**
 * Seals what this service keeps and must read again. What is sealed opens only for the purpose and the row that it was
 * sealed for: moved to another row it is worth nothing.
 */
export class AtRest {
  readonly #masterKey: Buffer;

  constructor(masterKey: Buffer) {
    this.#masterKey = masterKey;
  }

  /** Kept in the database: tells another key from this one without anything being opened. */
  get checkValue(): Buffer {
    return createHmac('sha256', this.#derive('check')).update('lineclear auth').digest();
  }

  seal(purpose: Purpose, rowId: string, clear: string): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#derive(purpose), nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(bound(purpose, rowId));
    return Buffer.concat([nonce, cipher.update(clear, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  }

  /** @throws when it was changed, moved, or sealed with another key. */
  open(purpose: Purpose, rowId: string, sealed: Buffer): Secret {
    const nonce = sealed.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv(CIPHER, this.#derive(purpose), nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(bound(purpose, rowId));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    const clear = [decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()];
    return new Secret(Buffer.concat(clear).toString('utf8'));
  }

  /** A keyed hash (HMAC-SHA256, hex): whoever has the database alone cannot make one. */
  macFor(proof: Proof): (text: string) => string {
    const key = this.#derive(proof);
    return (text) => createHmac('sha256', key).update(text, 'utf8').digest('hex');
  }

  #derive(purpose: Purpose | Proof | 'check'): Buffer {
    const info = `lineclear auth v1 ${purpose}`;
    return Buffer.from(hkdfSync('sha256', this.#masterKey, Buffer.alloc(0), info, 32));
  }
}

const bound = (purpose: Purpose, rowId: string): Buffer => Buffer.from(JSON.stringify([purpose, rowId]));
