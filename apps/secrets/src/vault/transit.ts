import { CannotOpen } from '../domain/envelope.js';
import { DOES_NOT_OPEN } from '../domain/vault-answer.js';
import type { RootContext, RootKey } from '../keys/root-key.js';
import { encoded } from './kv.js';
import type { VaultClient } from './vault-client.js';
import { VaultFailed } from './vault-failed.js';

const MAX_CIPHERTEXT_CHARACTERS = 65_536;

/** A key of Vault's transit engine, which encrypts for us and never leaves the server. It must be of an AEAD type. */
export class VaultTransit implements RootKey {
  readonly id: string;
  readonly #at: (act: 'encrypt' | 'decrypt') => string;

  constructor(
    private readonly client: VaultClient,
    mount: string,
    key: string,
  ) {
    this.id = `vault-transit:${mount}/${key}`;
    this.#at = (act) => `${encoded(mount)}/${act}/${encoded(key)}`;
  }

  /** @throws VaultFailed also when the server does not bind what it encrypts to the context: releases before 1.12 leave that out without a word. */
  async wrap(key: Buffer, context: RootContext): Promise<Buffer> {
    const body = { plaintext: key.toString('base64'), associated_data: associatedData(context) };
    const { ciphertext } = await this.#ask('encrypt', body);
    if (typeof ciphertext !== 'string' || ciphertext.length > MAX_CIPHERTEXT_CHARACTERS)
      throw new VaultFailed('unreadable', `${this.id}: encrypted to nothing`);
    const wrapped = Buffer.from(ciphertext, 'utf8');
    await this.#requireBound(wrapped, context);
    return wrapped;
  }

  /** @throws CannotOpen for another key or context; VaultFailed when Vault does not answer or refuses. */
  async unwrap(wrapped: Buffer, context: RootContext): Promise<Buffer> {
    const body = { ciphertext: wrapped.toString('utf8'), associated_data: associatedData(context) };
    try {
      const { plaintext } = await this.#ask('decrypt', body);
      if (typeof plaintext !== 'string')
        throw new VaultFailed('unreadable', `${this.id}: decrypted to nothing`);
      return Buffer.from(plaintext, 'base64');
    } catch (cause) {
      if (!(cause instanceof VaultFailed) || cause.fault !== 'invalid' || cause.reason !== DOES_NOT_OPEN)
        throw cause;
      throw new CannotOpen('Vault does not open it: it belongs to another key or context', { cause });
    }
  }

  async #requireBound(wrapped: Buffer, context: RootContext): Promise<void> {
    const other = { ...context, key_id: `${context.key_id} of another` };
    const opened = await this.unwrap(wrapped, other).catch((error: unknown) => {
      if (error instanceof CannotOpen) return undefined;
      throw error;
    });
    if (opened === undefined) return;
    opened.fill(0);
    throw new VaultFailed(
      'invalid',
      `${this.id} does not bind what it encrypts to a context: it wants Vault 1.12 or newer`,
    );
  }

  async #ask(act: 'encrypt' | 'decrypt', body: object): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.client.call({ method: 'POST', path: this.#at(act), body, repeatable: true });
    if (answer.status === 200 && answer.body.data) return answer.body.data;
    throw new VaultFailed('not found', `${this.id}: there is no such key to ${act} with`);
  }
}

/** The context as base64 of its JSON with sorted names: the same context gives the same bytes, however it was made. */
const associatedData = (context: RootContext): string =>
  Buffer.from(
    JSON.stringify(
      Object.entries(context)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .reduce<Record<string, string>>((sorted, [name, value]) => ({ ...sorted, [name]: value }), {}),
    ),
  ).toString('base64');
