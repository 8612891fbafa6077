import { Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import {
  BadInput,
  Clock,
  Conflict,
  Database,
  NotFound,
  Secret,
  Unavailable,
  Unprocessable,
  type Tx,
} from '@lineclear/kit';
import { noteAccess } from '../db/access-log.repo.js';
import * as grants from '../db/grants.repo.js';
import * as credentials from '../db/provider-credentials.repo.js';
import { describeSecret } from '../db/secrets.repo.js';
import { userScope } from '../domain/scopes.js';
import type { Checked } from '../domain/whoami.js';
import { OwnStore } from '../sources/own-store.js';
import { ChangeSecrets } from '../store/change-secrets.js';
import { CheckCredential } from './check-credential.js';
import { KeyedProviders } from './keyed-providers.js';

export const MAX_CREDENTIALS = 100;

/** Whose credential it is, and who acts. */
export interface Whose {
  readonly userId: number;
  readonly byUserId: number;
}

export interface NewCredential extends Whose {
  readonly provider: string;
  /** The name of the secret that it is; without it, the one that the provider's configuration names. */
  readonly name?: string | undefined;
  readonly value: string;
  readonly description?: string | undefined;
}

/** People's own credentials of providers. A value goes in, is shown to its provider alone, and never comes out. */
@Injectable()
export class OwnCredentials {
  constructor(
    private readonly database: Database,
    private readonly change: ChangeSecrets,
    private readonly store: OwnStore,
    private readonly providers: KeyedProviders,
    private readonly checks: CheckCredential,
    private readonly bus: Bus,
    private readonly clock: Clock,
  ) {}

  /** @throws NotFound */
  async find(userId: number, id: number): Promise<credentials.ProviderCredential> {
    const found = await credentials.findCredential(this.database, userId, id);
    if (!found) throw new NotFound('credential', id);
    return found;
  }

  /** Keeps a credential; its id. @throws Conflict where there is one of this name, BadInput where the name is not known */
  async add({ userId, byUserId, provider, value, description, name: named }: NewCredential): Promise<number> {
    const name = named ?? this.providers.secretOf(provider);
    if (name === undefined)
      throw BadInput.at('credential_name', `is needed: the configuration names no secret for ${provider}`);
    if (await credentials.hasCredential(this.database, { userId, provider, name }))
      throw new Conflict(`there is a credential ${name} of ${provider} already: rotate it`);
    if ((await credentials.countCredentials(this.database, userId)) >= MAX_CREDENTIALS)
      throw new Unprocessable(`nobody keeps more than ${MAX_CREDENTIALS} credentials`);
    let id = 0;
    await this.change.put(
      { scope: userScope(userId), name, value, description, byUserId },
      async (tx, put) => {
        id = await credentials.addCredential(tx, {
          userId,
          provider,
          secretId: put.id,
          now: this.clock.now(),
        });
        await this.#tell(tx, 'credential.added', { userId, provider, name });
      },
    );
    return id;
  }

  /** Sets another description, or another value, which runs under way go on with too. @throws NotFound */
  async edit(
    { userId, byUserId }: Whose,
    id: number,
    { value, description }: { value?: string | undefined; description?: string | undefined },
  ): Promise<void> {
    const { name, secret_id: secretId, provider } = await this.find(userId, id);
    const about = { userId, provider, name };
    if (value === undefined)
      return this.database.tx(async (tx) => {
        await describeSecret(tx, secretId, description ?? '');
        await this.#tell(tx, 'credential.edited', about);
      });
    await this.change.put({ scope: userScope(userId), name, value, description, byUserId }, async (tx) => {
      await credentials.keepPrevious(tx, secretId, null);
      await this.#tell(tx, 'credential.edited', about);
    });
  }

  /**
   * Makes a new value the one for runs from now on, once its provider takes it. Runs that were submitted with the old one go on
   * with that, unless `force`. `unchecked` does without the provider's word where it is not to be had.
   * @throws Unprocessable when the provider refuses it, Unavailable when it does not answer; nothing is changed then
   */
  async rotate(
    { userId, byUserId }: Whose,
    id: number,
    { value, force, unchecked }: { value: string; force: boolean; unchecked: boolean },
  ): Promise<{ version: number; previousVersion: number | null; checked: Checked | 'not_checked' }> {
    const before = await this.find(userId, id);
    const { name, provider, secret_id: secretId } = before;
    const checked = (await this.checks.check(provider, new Secret(value))) ?? 'not_checked';
    if (checked === 'refused')
      throw new Unprocessable(`${provider} does not take this value; nothing was changed`);
    if (checked === 'unknown' && !unchecked)
      throw new Unavailable(`${provider} does not say whether it takes this value; nothing was changed`);
    const scope = userScope(userId);
    const isHeld = !force && (await grants.isHeld(this.database, scope, name, before.version));
    const previousVersion = isHeld ? before.version : null;
    const next = { scope, name, value, byUserId, expected: before.version };
    const { version } = await this.change.put(next, async (tx, put) => {
      await credentials.keepPrevious(tx, secretId, previousVersion);
      if (checked === 'valid')
        await credentials.noteCheck(tx, id, { outcome: checked, version: put.version, at: put.createdAt });
      await this.#tell(tx, 'credential.rotated', { userId, provider, name });
    });
    return { version, previousVersion, checked };
  }

  /** Asks the provider whether it takes the credential. @throws NotFound, Refused when it has ended, Unavailable when it does not open */
  async check({ userId }: Whose, id: number): Promise<Checked | 'not_checked'> {
    const { name, provider, version } = await this.find(userId, id);
    const scope = userScope(userId);
    const value = (await this.store.findVersion(scope, name, version))?.value;
    if (!value) throw new NotFound('credential', id);
    const now = this.clock.now();
    await noteAccess(this.database, now, { askedBy: 'secrets', purpose: 'check', userId, provider }, [
      { name, outcome: 'released', source: 'store', scope, version },
    ]);
    const checked = (await this.checks.check(provider, value)) ?? 'not_checked';
    await this.database.tx(async (tx) => {
      if (checked === 'valid' || checked === 'refused')
        await credentials.noteCheck(tx, id, { outcome: checked, version, at: now });
      await this.#tell(tx, 'credential.checked', { userId, provider, name, checked });
    });
    return checked;
  }

  /** Removes a credential; its secret goes with the last credential that it is. @throws NotFound */
  async remove({ userId, byUserId }: Whose, id: number): Promise<void> {
    const { name, provider, secret_id: secretId } = await this.find(userId, id);
    const all = await credentials.credentialsOf(this.database, userId, MAX_CREDENTIALS);
    const drop = async (tx: Tx): Promise<void> => {
      await credentials.dropCredential(tx, id);
      await this.#tell(tx, 'credential.removed', { userId, provider, name });
    };
    if (all.some((other) => other.id !== id && other.secret_id === secretId)) await this.database.tx(drop);
    else await this.change.remove({ scope: userScope(userId), name, byUserId }, drop);
  }

  async #tell(
    tx: Tx,
    action: string,
    { userId, ...details }: { userId: number; provider: string; name: string; checked?: string },
  ): Promise<void> {
    await this.bus.publish(tx, audited(action, { target: `user/${userId}/credentials`, details }));
  }
}
