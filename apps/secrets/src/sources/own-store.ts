import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { secretChanged } from '@lineclear/contracts';
import { audited } from '@lineclear/access';
import { Bus, event } from '@lineclear/bus';
import { Clock, Database, LOGGER, Unavailable, type Logger } from '@lineclear/kit';
import { recordOf } from '../db/keys.repo.js';
import * as secrets from '../db/secrets.repo.js';
import { CannotOpen } from '../domain/envelope.js';
import { KeyRing } from '../keys/key-ring.js';
import type { Found, Presence, SecretSource } from './source.js';

/** The encrypted store of this service. */
@Injectable()
export class OwnStore implements SecretSource {
  readonly name = 'store';

  constructor(
    private readonly database: Database,
    private readonly ring: KeyRing,
    private readonly bus: Bus,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** Sets a secret: its first version, or the next one. */
  async put(secret: {
    readonly scope: string;
    readonly name: string;
    readonly value: string;
    readonly description?: string | undefined;
    readonly byUserId?: number;
  }): Promise<{ version: number; createdAt: Date }> {
    const { scope, name, value, description = null, byUserId } = secret;
    const now = this.clock.now();
    return this.database.tx(async (tx) => {
      const { id, version } = await secrets.takeVersion(tx, {
        id: randomUUID(),
        scope,
        name,
        description,
        now,
      });
      const record = this.ring.seal({ purpose: 'secret', scope, secretId: id, name, version }, value);
      await secrets.insertVersion(tx, { secretId: id, version, createdBy: byUserId ?? null, now }, record);
      const by = byUserId === undefined ? {} : { by_user_id: byUserId };
      await this.bus.publish(
        tx,
        event(secretChanged, { name, version, ...by }, { about: `secret/${id}`, version }),
        audited('secret.set', { target: `secret/${name}`, details: { scope, version } }),
      );
      return { version, createdAt: now };
    });
  }

  /** Removes a secret and all its versions; false when there was none. */
  async remove(scope: string, name: string, byUserId?: number): Promise<boolean> {
    return this.database.tx(async (tx) => {
      const id = await secrets.deleteSecretRow(tx, scope, name);
      if (id === undefined) return false;
      const by = byUserId === undefined ? {} : { by_user_id: byUserId };
      await this.bus.publish(
        tx,
        event(secretChanged, { name, version: 0, ...by }, { about: `secret/${id}` }),
        audited('secret.removed', { target: `secret/${name}`, details: { scope } }),
      );
      return true;
    });
  }

  /** @throws Unavailable when one of them cannot be decrypted: it does not pass for missing. */
  async find(scope: string, names: readonly string[]): Promise<ReadonlyMap<string, Found>> {
    const rows = await secrets.currentVersions(this.database, scope, names);
    return new Map(rows.map((row) => [row.name, { value: this.#open(scope, row), version: row.version }]));
  }

  async presence(scope: string, name: string): Promise<Presence> {
    const secret = await secrets.findSecret(this.database, scope, name);
    return secret ? { has: true, version: secret.version } : { has: false };
  }

  #open(scope: string, row: secrets.StoredVersion): Found['value'] {
    const { id: secretId, name, version } = row;
    try {
      return this.ring.open({ purpose: 'secret', scope, secretId, name, version }, recordOf(row));
    } catch (cause) {
      if (!(cause instanceof CannotOpen)) throw cause;
      this.log.error(
        { err: cause, secret_id: secretId, name, scope, version },
        'a stored secret does not open',
      );
      throw new Unavailable(`the stored secret ${name} does not open`, { cause });
    }
  }
}
