import { randomBytes } from 'node:crypto';
import { Secret } from '@lineclear/kit';
import {
  DATA_KEY_BYTES,
  NONCE_BYTES,
  openRecord,
  sealRecord,
  type Binding,
  type SealedRecord,
} from '../domain/envelope.js';
import type { Kek } from '../domain/kek.js';

/** Holds the key-encryption key, and is the only one who does: values go in and come out, the key does not. */
export class KeyRing {
  readonly #kek: Kek;

  constructor(kek: Kek) {
    this.#kek = kek;
  }

  seal(binding: Binding, value: string): SealedRecord {
    const clear = Buffer.from(value, 'utf8');
    try {
      return sealRecord(this.#kek, binding, clear, {
        dataKey: randomBytes(DATA_KEY_BYTES),
        nonce: randomBytes(NONCE_BYTES),
        wrapNonce: randomBytes(NONCE_BYTES),
      });
    } finally {
      clear.fill(0);
    }
  }

  /** @throws CannotOpen when the record was changed, moved, or sealed with another key. */
  open(binding: Binding, record: SealedRecord): Secret {
    const clear = openRecord(this.#kek, binding, record);
    try {
      return new Secret(clear.toString('utf8'));
    } finally {
      clear.fill(0);
    }
  }
}
