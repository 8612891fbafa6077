import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus, event } from '@lineclear/bus';
import { secretChanged } from '@lineclear/contracts';
import { BadInput, Clock, CONFIG, Conflict, Database, NotAllowed, NotFound, type Tx } from '@lineclear/kit';
import type { Config } from '../config.js';
import { recordOf } from '../db/keys.repo.js';
import * as secrets from '../db/secrets.repo.js';
import * as aliases from '../db/shares.repo.js';
import * as versions from '../db/versions.repo.js';
import { Fingerprints } from '../domain/fingerprint.js';
import { isLive } from '../domain/shares.js';
import type { Kek } from '../domain/kek.js';
import { KeyRing } from '../keys/key-ring.js';

/** Which secret, and whose doing it is; nobody's where another service asks. */
export interface Which {
  readonly scope: string;
  readonly name: string;
  readonly byUserId?: number;
}

export interface NewValue extends Which {
  readonly value: string;
  readonly description?: string | undefined;
  readonly expiresAt?: Date | undefined;
  /** The version that the caller takes for the current one; 0 for a secret that is not there. */
  readonly expected?: number | undefined;
  /** Whether `${NAME}` in it stands for the value of another secret. */
  readonly isTemplate?: boolean | undefined;
  /** Whether it goes to the secret itself where the name stands for one that is shared. */
  readonly throughShare?: boolean;
  /** The version whose value this is. */
  readonly ofVersion?: number;
}

/** The version that a change made. */
export interface Put {
  readonly id: string;
  readonly version: number;
  readonly createdAt: Date;
}

/** Changes what is in the encrypted store, and tells of each change in the transaction that makes it. */
@Injectable()
export class ChangeSecrets {
  constructor(
    private readonly database: Database,
    private readonly ring: KeyRing,
    private readonly fingerprints: Fingerprints,
    private readonly bus: Bus,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Sets a secret: its first version, or the next one, and does `also` with it or neither. @throws Conflict when another version than the expected one is current */
  async put(secret: NewValue, also: (tx: Tx, put: Put) => Promise<void> = async () => {}): Promise<Put> {
    return this.withNewestKey(async (tx, kek) => {
      const meant = { ...secret, ...(secret.throughShare ? await this.#sharedPlace(tx, secret) : {}) };
      const next = await nextIfExpected(tx, meant);
      const put = await this.write(tx, kek, meant);
      // Where there was no row to lock, somebody else may have made it first.
      if (next !== undefined && put.version !== next) throw notExpected(meant, put.version - 1);
      const { scope, name } = meant;
      const through = scope === secret.scope ? {} : { through: `${secret.scope} ${secret.name}` };
      await this.bus.publish(
        tx,
        audited('secret.set', {
          target: `secret/${name}`,
          details: { scope, version: put.version, ...through },
        }),
      );
      await also(tx, put);
      return put;
    });
  }

  /** Makes the value of an older version the newest one. @throws NotFound, Conflict when the version is not kept any more */
  async rollback(which: Which, version: number): Promise<{ version: number; createdAt: Date }> {
    await this.ring.refresh();
    return this.withNewestKey(async (tx, kek) => {
      const secret = await this.#lock(tx, which);
      if (secret.version === version) throw new Conflict(`version ${version} is the current one`);
      const put = await this.repeat(tx, kek, secret, version, which.byUserId);
      const { scope, name } = which;
      const details = { scope, version: put.version, of_version: version };
      await this.bus.publish(tx, audited('secret.rolled_back', { target: `secret/${name}`, details }));
      return put;
    });
  }

  /** Removes a secret; until it is purged it can be had back. False when there was none. */
  async remove(which: Which, also: (tx: Tx) => Promise<void> = async () => {}): Promise<boolean> {
    return this.database.tx(async (tx) => {
      const secret = await secrets.lockSecret(tx, which.scope, which.name);
      if (!secret || secret.deleted_at !== null) return false;
      await this.mark(tx, secret, 'removed', which.byUserId);
      await this.#tell(tx, 'secret.removed', which);
      await also(tx);
      return true;
    });
  }

  /** Brings a removed secret back as it was. @throws NotFound, Conflict when it is there */
  async undelete(which: Which): Promise<{ version: number }> {
    return this.database.tx(async (tx) => {
      const secret = await secrets.lockSecret(tx, which.scope, which.name);
      if (!secret) throw new NotFound('secret', which.name);
      if (secret.deleted_at === null) throw new Conflict(`the secret ${which.name} is not removed`);
      await this.mark(tx, secret, 'undeleted', which.byUserId);
      await this.#tell(tx, 'secret.undeleted', which);
      return { version: secret.version };
    });
  }

  /** Removes a secret and all its versions for good; false when there was none. */
  async purge(which: Which): Promise<boolean> {
    return this.database.tx(async (tx) => {
      const id = await secrets.purgeSecret(tx, which.scope, which.name);
      if (id === undefined) return false;
      await this.bus.publish(tx, changed(id, which, 0));
      await this.#tell(tx, 'secret.purged', which);
      return true;
    });
  }

  /** The next version of a secret, inside a transaction. @throws Conflict where the name stands for what is shared with the scope */
  async write(tx: Tx, kek: Kek, secret: NewValue): Promise<Put> {
    const { scope, name, value, description = null, byUserId, ofVersion = null, isTemplate = false } = secret;
    await this.requireOwnName(tx, scope, name);
    const now = this.clock.now();
    const fingerprint = this.fingerprints.of(value);
    const { id, version } = await secrets.takeVersion(tx, {
      id: randomUUID(),
      scope,
      name,
      description,
      expiresAt: secret.expiresAt ?? null,
      fingerprint,
      now,
    });
    const record = this.ring.seal(kek, { purpose: 'secret', scope, secretId: id, name, version }, value);
    const createdBy = byUserId ?? null;
    const at = { secretId: id, version, fingerprint, isTemplate, createdBy, now };
    await versions.insertVersion(tx, at, record);
    await versions.trimVersions(tx, id, version, this.config.LINECLEAR_SECRETS_KEEP_VERSIONS);
    await versions.noteChange(tx, id, { at: now, kind: 'set', version, ofVersion, byUser: createdBy });
    await this.bus.publish(tx, changed(id, secret, version));
    return { id, version, createdAt: now };
  }

  /** The value of an older version as the next one, inside a transaction. @throws Conflict when it is not kept any more */
  async repeat(
    tx: Tx,
    kek: Kek,
    { id: secretId, scope, name }: secrets.LockedSecret,
    version: number,
    byUserId: number | undefined,
  ): Promise<{ version: number; createdAt: Date }> {
    const stored = await versions.findVersion(tx, secretId, version);
    if (!stored) throw new Conflict(`version ${version} of ${name} is not kept`);
    const opened = await this.ring.open(
      { purpose: 'secret', scope, secretId, name, version },
      recordOf(stored),
    );
    const by = byUserId === undefined ? {} : { byUserId };
    const { is_template: isTemplate } = stored;
    return this.write(tx, kek, {
      scope,
      name,
      value: opened.reveal(),
      isTemplate,
      ofVersion: version,
      ...by,
    });
  }

  /** Marks a secret as removed, or as there again, inside a transaction. */
  async mark(
    tx: Tx,
    { id, scope, name, version }: secrets.LockedSecret,
    kind: 'removed' | 'undeleted',
    byUserId: number | undefined,
  ): Promise<void> {
    const at = this.clock.now();
    await secrets.markRemoved(tx, id, kind === 'removed' ? at : null);
    await versions.noteChange(tx, id, { at, kind, version, ofVersion: null, byUser: byUserId ?? null });
    const by = byUserId === undefined ? {} : { byUserId };
    await this.bus.publish(tx, changed(id, { scope, name, ...by }, kind === 'removed' ? 0 : version));
  }

  /** @throws Conflict where the scope knows something by this name that is shared with it */
  async requireOwnName(tx: Tx, scope: string, name: string): Promise<void> {
    await aliases.keepNames(tx, scope);
    const alias = await aliases.findAlias(tx, scope, name);
    if (alias) throw new Conflict(`${name} is the name of what ${alias.owner_scope} shares with ${scope}`);
  }

  /** Where a value goes that is set under the name of what is shared; nothing else for any other name. @throws NotAllowed */
  async #sharedPlace(
    tx: Tx,
    { scope, name, isTemplate }: NewValue,
  ): Promise<{ scope: string; name: string } | undefined> {
    const alias = await aliases.findAlias(tx, scope, name);
    if (!alias) return undefined;
    const isOver = !isLive({ expiresAt: alias.expires_at }, this.clock.now());
    if (isOver || alias.access === 'read')
      throw new NotAllowed(
        isOver ? `what was shared as ${name} is shared no more` : `${name} is shared with you for reading`,
      );
    if (isTemplate) throw BadInput.at('template', 'is not for what is shared');
    return { scope: alias.owner_scope, name: alias.owner_name };
  }

  /** A transaction in which something is sealed. */
  async withNewestKey<T>(work: (tx: Tx, kek: Kek) => Promise<T>): Promise<T> {
    for (let mayRetry = true; ; mayRetry = false) {
      const kek = await this.ring.newest();
      try {
        return await this.database.tx((tx) => work(tx, kek));
      } catch (error) {
        // A newer key came, and this one went, between the two lines above.
        if (!mayRetry || (error as { constraint?: unknown }).constraint !== 'secret_versions_kek_fk')
          throw error;
      }
    }
  }

  async #lock(tx: Tx, { scope, name }: Which): Promise<secrets.LockedSecret> {
    const secret = await secrets.lockSecret(tx, scope, name);
    if (!secret || secret.deleted_at !== null) throw new NotFound('secret', name);
    return secret;
  }

  async #tell(tx: Tx, action: string, { scope, name }: Which): Promise<void> {
    await this.bus.publish(tx, audited(action, { target: `secret/${name}`, details: { scope } }));
  }
}

/** The version that comes next if the expected one is current; undefined where none is expected. @throws Conflict */
async function nextIfExpected(tx: Tx, secret: NewValue): Promise<number | undefined> {
  if (secret.expected === undefined) return undefined;
  const found = await secrets.lockSecret(tx, secret.scope, secret.name);
  const current = found && found.deleted_at === null ? found.version : 0;
  if (current !== secret.expected) throw notExpected(secret, current);
  return (found?.version ?? 0) + 1;
}

const notExpected = ({ name, expected }: NewValue, version: number): Conflict =>
  new Conflict(`the current version of ${name} is ${version}, not ${expected}`);

/** Tells all replicas, and who has its value, that a secret is another one, or under version 0 that it is gone. */
export const changed = (id: string, { scope, name, byUserId }: Which, version: number) =>
  event(
    secretChanged,
    { name, scope, version, ...(byUserId === undefined ? {} : { by_user_id: byUserId }) },
    { about: `secret/${id}` },
  );
