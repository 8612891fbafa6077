import { randomBytes } from 'node:crypto';
import { boundTo, decrypt, encrypt, NONCE_BYTES } from '../domain/envelope.js';
import { deriveRoot } from '../domain/kek.js';
import type { RootContext, RootKey } from './root-key.js';

const FORMAT = Buffer.from([1]);

/** A root key that is here: made from a master key of this house. */
export class LocalRoot implements RootKey {
  readonly id: string;
  readonly #wrappingKey: Buffer;

  constructor(masterKey: Buffer) {
    const { id, wrappingKey } = deriveRoot(masterKey);
    this.id = id;
    this.#wrappingKey = wrappingKey;
  }

  // oxlint-disable-next-line typescript/require-await -- other root keys are asked over the network
  async wrap(key: Buffer, context: RootContext): Promise<Buffer> {
    const nonce = randomBytes(NONCE_BYTES);
    return Buffer.concat([FORMAT, nonce, encrypt(this.#wrappingKey, nonce, this.#bound(context), key)]);
  }

  // oxlint-disable-next-line typescript/require-await -- other root keys are asked over the network
  async unwrap(wrapped: Buffer, context: RootContext): Promise<Buffer> {
    const start = FORMAT.length + NONCE_BYTES;
    return decrypt(
      this.#wrappingKey,
      wrapped.subarray(FORMAT.length, start),
      this.#bound(context),
      wrapped.subarray(start),
    );
  }

  #bound({ purpose, key_id }: RootContext): Buffer {
    return boundTo(['lineclear root', this.id, purpose, key_id]);
  }
}
