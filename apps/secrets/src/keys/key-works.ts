import { Inject, Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus, event } from '@lineclear/bus';
import { kekRetired, kekRotated } from '@lineclear/contracts';
import { Clock, Conflict, Database, LOGGER, type Logger, type Tx } from '@lineclear/kit';
import * as works from '../db/key-works.repo.js';
import { findKeptKey, insertKek, recordOf, replaceKeptKey, retireKeks } from '../db/keys.repo.js';
import { CannotOpen, type Binding, type SealedRecord } from '../domain/envelope.js';
import type { Kek } from '../domain/kek.js';
import { sealedForVault, replaceSealed } from './vault-records.js';
import { KEPT_KEYS } from './kept-keys.js';
import { KeyRing } from './key-ring.js';

const BATCH = 200;

/**
 * Changes keys under the values while they are read and written. How far a work has come is in its row: whoever takes
 * it up goes on from there, after a crash too, and two replicas take turns.
 */
@Injectable()
export class KeyWorks {
  constructor(
    private readonly database: Database,
    private readonly ring: KeyRing,
    private readonly bus: Bus,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** Makes a new key-encryption key and begins to wrap every data key with it; values stay as they are. @throws Conflict while a work is under way */
  async rotate(byUserId: number): Promise<works.KeyWork> {
    const kek = await this.ring.make();
    return this.database.tx(async (tx) => {
      const work = await this.#start(tx, 'rewrap', byUserId);
      const version = await insertKek(tx, kek);
      await this.bus.publish(
        tx,
        event(kekRotated, { key_id: kek.id, version }, { about: `kek/${kek.id}` }),
        audited('key.rotated', { target: `kek/${kek.id}`, details: { version, root: kek.rootId } }),
      );
      return work;
    });
  }

  /** Begins to encrypt every value anew, each with a new data key: for when a data key may be known. @throws Conflict while a work is under way */
  async reencrypt(byUserId: number): Promise<works.KeyWork> {
    return this.database.tx(async (tx) => {
      const work = await this.#start(tx, 'reencrypt', byUserId);
      await this.bus.publish(tx, audited('key.reencrypting', { target: 'secrets' }));
      return work;
    });
  }

  /** Does the next part of the work that is under way; false when there is none, or another replica is at it. */
  async step(): Promise<boolean> {
    // Whatever key a value has: it is opened inside the transaction.
    await this.ring.refresh();
    return this.database.tx(async (tx) => {
      const work = await works.takeWork(tx);
      if (!work) return false;
      // Not before, as the work came with a key of its own: with the one before it there would be nothing to do.
      const newest = await this.ring.newest(tx);
      const values = await works.nextValues(tx, work, newest.id, BATCH);
      if (values.length > 0) await this.#renew(tx, work, newest, values);
      if (values.length < BATCH) await this.#end(tx, work, newest);
      return true;
    });
  }

  async #start(tx: Tx, kind: works.KeyWorkKind, byUserId: number): Promise<works.KeyWork> {
    const work = await works.startWork(tx, { kind, now: this.clock.now(), byUserId });
    if (!work) throw new Conflict('keys are being changed already');
    return work;
  }

  async #renew(
    tx: Tx,
    work: works.KeyWork,
    newest: Kek,
    values: readonly works.StoredValue[],
  ): Promise<void> {
    const renewed: { secret_id: string; version: number; record: SealedRecord }[] = [];
    for (const value of values) {
      const { secret_id, version, scope, name } = value;
      const binding = { purpose: 'secret', scope, secretId: secret_id, name, version } as const;
      try {
        renewed.push({
          secret_id,
          version,
          record: await this.#anew(work, newest, binding, recordOf(value)),
        });
      } catch (error) {
        // It stays as it is, and with it the key that it needs.
        if (!(error instanceof CannotOpen)) throw error;
        this.log.error({ err: error, secret_id, name, scope, version }, 'a stored secret does not open');
      }
    }
    await works.replaceValues(tx, renewed);
    const counts = { done: renewed.length, failed: values.length - renewed.length };
    await works.noteProgress(tx, work.id, { ...counts, last: values.at(-1)! });
  }

  async #anew(
    { kind }: works.KeyWork,
    newest: Kek,
    binding: Binding,
    record: SealedRecord,
  ): Promise<SealedRecord> {
    if (kind === 'rewrap') return this.ring.rewrap(newest, binding, record);
    return this.ring.seal(newest, binding, (await this.ring.open(binding, record)).reveal());
  }

  /** Those few that are there: they are gone with their jobs. */
  async #renewOfVault(tx: Tx, work: works.KeyWork, newest: Kek): Promise<void> {
    for (const sealed of await sealedForVault(tx)) {
      const { table, id, binding, record } = sealed;
      if (work.kind === 'rewrap' && record.kekId === newest.id) continue;
      try {
        await replaceSealed(tx, sealed, await this.#anew(work, newest, binding, record));
      } catch (error) {
        if (!(error instanceof CannotOpen)) throw error;
        this.log.error({ err: error, table, id }, 'what is kept for Vault does not open');
      }
    }
  }

  async #end(tx: Tx, work: works.KeyWork, newest: Kek): Promise<void> {
    for (const [id, binding] of Object.entries(KEPT_KEYS)) {
      const kept = await findKeptKey(tx, id);
      if (kept) await replaceKeptKey(tx, id, await this.#anew(work, newest, binding, kept));
    }
    await this.#renewOfVault(tx, work, newest);
    const retired = await retireKeks(tx);
    await works.endWork(tx, work.id, this.clock.now());
    await this.bus.publish(
      tx,
      ...retired.flatMap(({ id, version }) => [
        event(kekRetired, { key_id: id, version }, { about: `kek/${id}` }),
        audited('key.retired', { target: `kek/${id}`, details: { version } }),
      ]),
    );
    this.log.info({ work: work.kind, retired: retired.length }, 'the keys of the secrets are changed');
  }
}
