import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { audited, differences } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { BadInput, Clock, Conflict, Database, NotFound, type Tx } from '@lineclear/kit';
import { AtRest } from '../credentials/at-rest.js';
import * as identities from '../db/external-identities.repo.js';
import * as levels from '../db/levels.repo.js';
import * as stored from '../db/identity-providers.repo.js';
import * as oidc from '../db/oidc.repo.js';
import type { IdentityProvider, ProviderType } from '../domain/identity-provider.js';
import { goesElsewhere, isAnother } from './another-provider.js';
import * as users from '../db/users.repo.js';
import { entryWithoutLevel } from '../domain/level-mapping.js';
import { wishedLevel } from '../people/wished-level.js';
import { Providers, type Listed } from './providers.js';

/** A provider as somebody describes it: its secret comes in and does not come out again. */
export interface Description {
  readonly provider: Described;
  readonly secret: string | undefined;
  /** In which field the level was named that is for who is in no mapped group. */
  readonly levelField: string;
}
type Unnamed<P> = P extends IdentityProvider ? Omit<P, 'id' | 'source'> : never;
export type Described = Unnamed<IdentityProvider>;

/** Where a type's secret is in its config. */
export const SECRET_FIELD = { oidc: 'client_secret', ldap: 'bind_password' } as const satisfies Record<
  ProviderType,
  string
>;

/** Makes, changes and removes providers: all but the one that the configuration file describes. */
@Injectable()
export class ManageProviders {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly atRest: AtRest,
    private readonly providers: Providers,
  ) {}

  async create({ provider: described, secret, levelField }: Description): Promise<Listed> {
    this.#refuseFiles(described.name);
    const provider: IdentityProvider = { ...described, id: randomUUID(), source: 'api' };
    await this.database.tx(async (tx) => {
      await users.lockRights(tx);
      await this.#refuseUnknownLevels(tx, provider, levelField);
      await stored.insert(tx, provider, this.#sealed(provider.id, secret), this.clock.now());
      const { type, enabled, auto_create_users, default_level } = provider;
      const details = { type, enabled, auto_create_users, default_level };
      await this.bus.publish(
        tx,
        audited('identity_provider.created', { target: targetOf(provider), details }),
      );
    });
    return { ...provider, has_secret: secret !== undefined };
  }

  /** Changes a provider into what `change` makes of it as it is now. */
  async change(name: string, change: (before: Listed) => Description): Promise<Listed> {
    this.#refuseFiles(name);
    return this.database.tx(async (tx) => {
      await users.lockRights(tx);
      const before = await this.#lock(tx, name);
      const { provider: described, secret, levelField } = change(before);
      const after: IdentityProvider = { ...described, id: before.id, source: 'api' };
      await this.#refuseUnknownLevels(tx, after, levelField);
      // Or it would be sent, by who may not read it, to wherever they like.
      if (before.has_secret && secret === undefined && goesElsewhere(before, after)) {
        throw BadInput.at(
          `config.${SECRET_FIELD[after.type]}`,
          'is needed again, as it would be given to somebody else',
        );
      }
      if (isAnother(before, after)) {
        await identities.forgetProvider(tx, before.id);
        await oidc.forgetProvider(tx, before.id);
      }
      await stored.update(tx, after, this.#sealed(after.id, secret), this.clock.now());
      const details = {
        ...differences(before, after, [
          'name',
          'enabled',
          'auto_create_users',
          'default_level',
          'level_mapping',
        ]),
        // Where it is and how it is searched may be long, and is nobody's business here.
        config_changed: JSON.stringify(before.config) === JSON.stringify(after.config) ? undefined : true,
        secret_set: secret === undefined ? undefined : true,
      };
      await this.bus.publish(tx, audited('identity_provider.changed', { target: targetOf(before), details }));
      return { ...after, has_secret: before.has_secret || secret !== undefined };
    });
  }

  /** Removes a provider and whom it vouched for; the people stay, and their sessions end when they end. */
  async remove(name: string): Promise<void> {
    this.#refuseFiles(name);
    await this.database.tx(async (tx) => {
      const { id } = await this.#lock(tx, name);
      await identities.forgetProvider(tx, id);
      await oidc.forgetProvider(tx, id);
      await stored.remove(tx, id);
      await this.bus.publish(tx, audited('identity_provider.removed', { target: targetOf({ name }) }));
    });
  }

  /** Asked under the lock that those who make and remove levels take too. @throws BadInput naming the field */
  async #refuseUnknownLevels(
    tx: Tx,
    { default_level: name, level_mapping }: IdentityProvider,
    field: string,
  ): Promise<void> {
    await wishedLevel(tx, { name, field });
    const known = await levels.priorities(tx);
    const key = entryWithoutLevel(level_mapping, known);
    if (key !== undefined)
      throw BadInput.at(
        `level_mapping.${key}`,
        `maps a level to groups, or a group to levels: ${[...known.keys()].join(', ')}`,
      );
  }

  async #lock(tx: Tx, name: string): Promise<Listed> {
    const provider = await stored.lock(tx, name);
    if (!provider) throw new NotFound('identity provider', name);
    return provider;
  }

  #sealed(id: string, secret: string | undefined): Buffer | undefined {
    return secret === undefined ? undefined : this.atRest.seal('provider-secret', id, secret);
  }

  #refuseFiles(name: string): void {
    if (this.providers.isOfFile(name)) {
      throw new Conflict(
        `the identity provider ${JSON.stringify(name)} is described in the configuration file, and changed there`,
      );
    }
  }
}

const targetOf = ({ name }: { readonly name: string }): string => `identity_provider/${name}`;
