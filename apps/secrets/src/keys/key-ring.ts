import { randomBytes } from 'node:crypto';
import { Secret, type Database, type Queryable } from '@lineclear/kit';
import * as keys from '../db/keys.repo.js';
import {
  CannotOpen,
  DATA_KEY_BYTES,
  NONCE_BYTES,
  openRecord,
  rewrapRecord,
  sealRecord,
  type Binding,
  type SealedRecord,
} from '../domain/envelope.js';
import type { Kek, WrappedKey } from '../domain/kek.js';
import type { Roots } from './roots.js';

/** Holds the key-encryption keys, and is the only one who does: values go in and come out, keys do not. */
export class KeyRing {
  readonly #keks = new Map<string, Kek>();

  constructor(
    private readonly database: Database,
    private readonly roots: Roots,
  ) {}

  /** Takes up the keys that are kept, also those that other replicas made since. @throws CannotOpen, Unavailable */
  async refresh(): Promise<void> {
    for (const row of await keys.listKeks(this.database)) await this.#take(row);
  }

  /** The newest key, with which everything new is wrapped. */
  async newest(on: Queryable = this.database): Promise<Kek> {
    const row = await keys.newestKek(on);
    if (!row) throw new Error('there is no key-encryption key');
    return this.#take(row);
  }

  /** A key that did not exist before, as it may be kept. */
  async make(): Promise<WrappedKey> {
    const key = randomBytes(DATA_KEY_BYTES);
    try {
      return await this.roots.wrap(`kek_${randomBytes(8).toString('hex')}`, key);
    } finally {
      key.fill(0);
    }
  }

  seal(kek: Kek, binding: Binding, value: string): SealedRecord {
    const clear = Buffer.from(value, 'utf8');
    try {
      return sealRecord(kek, binding, clear, {
        dataKey: randomBytes(DATA_KEY_BYTES),
        nonce: randomBytes(NONCE_BYTES),
        wrapNonce: randomBytes(NONCE_BYTES),
      });
    } finally {
      clear.fill(0);
    }
  }

  /** @throws CannotOpen when the record was changed, moved, or sealed with another key. */
  async open(binding: Binding, record: SealedRecord): Promise<Secret> {
    const clear = openRecord(await this.#kekOf(record), binding, record);
    try {
      return new Secret(clear.toString('utf8'));
    } finally {
      clear.fill(0);
    }
  }

  /** The record with its data key wrapped by `to`; its value stays as it is encrypted. @throws CannotOpen */
  async rewrap(to: Kek, binding: Binding, record: SealedRecord): Promise<SealedRecord> {
    return rewrapRecord(await this.#kekOf(record), to, binding, record, randomBytes(NONCE_BYTES));
  }

  async #kekOf({ kekId }: SealedRecord): Promise<Kek> {
    if (!this.#keks.has(kekId)) await this.refresh();
    const kek = this.#keks.get(kekId);
    if (!kek) throw new CannotOpen(`there is no key ${kekId}`);
    return kek;
  }

  async #take({ id, version, rootId, wrapped }: keys.KeptKek): Promise<Kek> {
    const known = this.#keks.get(id);
    if (known) return known;
    if (rootId === null || wrapped === null) throw new CannotOpen(`${id} was not taken over yet`);
    const kek = { id, version, wrappingKey: await this.roots.unwrap({ id, rootId, wrapped }) };
    this.#keks.set(id, kek);
    return kek;
  }
}
