import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { BadInput, Clock, Conflict, Database, NotFound, type Tx } from '@lineclear/kit';
import { AtRest } from '../credentials/at-rest.js';
import * as identities from '../db/external-identities.repo.js';
import * as stored from '../db/identity-providers.repo.js';
import * as oidc from '../db/oidc.repo.js';
import type { IdentityProvider, ProviderType } from '../domain/identity-provider.js';
import { goesElsewhere, isAnother } from './another-provider.js';
import { Providers, type Listed } from './providers.js';

/** A provider as somebody describes it: its secret comes in and does not come out again. */
export interface Description {
  readonly provider: Described;
  readonly secret: string | undefined;
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
    private readonly clock: Clock,
    private readonly atRest: AtRest,
    private readonly providers: Providers,
  ) {}

  async create({ provider: described, secret }: Description): Promise<Listed> {
    this.#refuseFiles(described.name);
    const provider: IdentityProvider = { ...described, id: randomUUID(), source: 'api' };
    await this.database.tx((tx) =>
      stored.insert(tx, provider, this.#sealed(provider.id, secret), this.clock.now()),
    );
    return { ...provider, has_secret: secret !== undefined };
  }

  /** Changes a provider into what `change` makes of it as it is now. */
  async change(name: string, change: (before: Listed) => Description): Promise<Listed> {
    this.#refuseFiles(name);
    return this.database.tx(async (tx) => {
      const before = await this.#lock(tx, name);
      const { provider: described, secret } = change(before);
      const after: IdentityProvider = { ...described, id: before.id, source: 'api' };
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
    });
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
