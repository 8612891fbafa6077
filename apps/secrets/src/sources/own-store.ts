import { Inject, Injectable } from '@nestjs/common';
import { Clock, Database, LOGGER, Refused, Unavailable, type Logger } from '@lineclear/kit';
import { recordOf } from '../db/keys.repo.js';
import { currentVersions, versionOf, type StoredVersion } from '../db/versions.repo.js';
import { earliest } from '../domain/break-glass.js';
import { CannotOpen } from '../domain/envelope.js';
import { KeyRing } from '../keys/key-ring.js';
import type { Found, Presence, SecretSource } from './source.js';

/** The encrypted store of this service, as a source. */
@Injectable()
export class OwnStore implements SecretSource {
  readonly name = 'store';

  constructor(
    private readonly database: Database,
    private readonly ring: KeyRing,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /**
   * @throws Unavailable when one of them cannot be decrypted, Refused when one has ended: neither passes for missing, or
   * the next place would be asked and a job run on a key that nobody meant for it.
   */
  async find(scope: string, names: readonly string[]): Promise<ReadonlyMap<string, Found>> {
    const rows = await currentVersions(this.database, scope, names);
    for (const row of rows) this.#refuse(scope, row);
    const found = rows.map(async (row) => [row.known_as, await this.#found(row)] as const);
    return new Map(await Promise.all(found));
  }

  /** One version, whichever is current; undefined when it is not kept, or the secret was removed. @throws as `find` does */
  async findVersion(scope: string, name: string, version: number): Promise<Found | undefined> {
    const [row] = await versionOf(this.database, scope, name, version);
    if (!row) return undefined;
    this.#refuse(scope, row);
    return this.#found(row);
  }

  async presence(scope: string, name: string): Promise<Presence> {
    const [secret] = await currentVersions(this.database, scope, [name]);
    if (!secret) return { has: false };
    const { version, expires_at, must_rotate_by, shared_until } = secret;
    const end = earliest(expires_at, must_rotate_by, shared_until);
    if (end !== null && end <= this.clock.now())
      return { has: true, version, note: `ended on ${end.toISOString()}: it is refused` };
    return { has: true, version, ...(secret.scope === scope ? {} : { note: 'shared with this scope' }) };
  }

  async #found(row: StoredVersion): Promise<Found> {
    const { version, is_template: isTemplate, needs_approval: needsApproval } = row;
    return { value: await this.#open(row), version, isTemplate, needsApproval };
  }

  #refuse(scope: string, row: StoredVersion): void {
    const { known_as: name, expires_at, must_rotate_by, shared_until } = row;
    const now = this.clock.now();
    // It would be filled in with what its receiver has, and lead that to wherever its owner wants.
    if (row.is_template && row.scope !== scope)
      throw new Refused(
        'broken_template',
        `${name} is shared and has become a template, which is not shared`,
      );
    if (shared_until !== null && shared_until <= now)
      throw new Refused(
        'share_ended',
        `what was shared as ${name} is shared no more since ${shared_until.toISOString()}`,
      );
    if (must_rotate_by !== null && must_rotate_by <= now)
      throw new Refused(
        'secret_not_rotated',
        `the secret ${name} was taken in an emergency and had to be changed by ${must_rotate_by.toISOString()}: set a new value`,
      );
    if (expires_at !== null && expires_at <= now)
      throw new Refused(
        'secret_expired',
        `the secret ${name} ended on ${expires_at.toISOString()}: set a new value`,
      );
  }

  async #open(row: StoredVersion): Promise<Found['value']> {
    const { id: secretId, scope, name, version } = row;
    try {
      return await this.ring.open({ purpose: 'secret', scope, secretId, name, version }, recordOf(row));
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
