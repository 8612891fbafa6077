import { Inject, Injectable } from '@nestjs/common';
import { Database, type Queryable, type Secret } from '@lineclear/kit';
import { AtRest } from '../credentials/at-rest.js';
import * as stored from '../db/identity-providers.repo.js';
import type { IdentityProvider } from '../domain/identity-provider.js';
import { names } from '../domain/level-mapping.js';
import type { ConfiguredProvider } from './configured-provider.js';

/** Injects what the configuration file says of logins. */
export const LOGINS = Symbol('LOGINS');
export interface Logins {
  readonly configured: ConfiguredProvider | undefined;
  /** Other origins to which a browser may be sent back after a login. */
  readonly allowedOrigins: readonly string[];
}

/** A provider, and whether it has a secret. */
export type Listed = IdentityProvider & { readonly has_secret: boolean };

/** All identity providers, whether they were made by the API or are described in the configuration file. A name means the file's first. */
@Injectable()
export class Providers {
  readonly #configured: ConfiguredProvider | undefined;

  constructor(
    private readonly database: Database,
    private readonly atRest: AtRest,
    @Inject(LOGINS) logins: Logins,
  ) {
    this.#configured = logins.configured;
  }

  async all(): Promise<Listed[]> {
    const own = this.#ofFile();
    const others = await stored.all(this.database);
    return own ? [own, ...others.filter(({ name }) => name !== own.name)] : others;
  }

  async byName(name: string): Promise<Listed | undefined> {
    const own = this.#ofFile();
    return own?.name === name ? own : stored.byName(this.database, name);
  }

  async byId(id: string): Promise<IdentityProvider | undefined> {
    const own = this.#ofFile();
    return own?.id === id ? own : stored.byId(this.database, id);
  }

  /** The first provider whose people may get a level of this name, or are in a mapped group of this name. */
  async naming(on: Queryable, word: string): Promise<string | undefined> {
    const all = [...(this.#configured ? [this.#configured.provider] : []), ...(await stored.all(on))];
    return all.find(
      ({ default_level, level_mapping }) => default_level === word || names(level_mapping, word),
    )?.name;
  }

  /** Whether this name is the configuration file's to say. */
  isOfFile(name: string): boolean {
    return this.#configured?.provider.name === name;
  }

  async secretOf({ id }: IdentityProvider): Promise<Secret | undefined> {
    if (this.#configured?.provider.id === id) return this.#configured.clientSecret;
    const sealed = await stored.sealedSecretOf(this.database, id);
    return sealed && this.atRest.open('provider-secret', id, sealed);
  }

  #ofFile(): Listed | undefined {
    return this.#configured && { ...this.#configured.provider, has_secret: true };
  }
}
