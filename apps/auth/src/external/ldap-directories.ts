import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Clock, LOGGER, Unavailable, type Logger, type Secret } from '@lineclear/kit';
import type { IdentityProvider, LdapProvider } from '../domain/identity-provider.js';
import { ldapConfig } from './ldap-config.js';
import { LdapDirectory } from './ldap-directory.js';
import { Providers } from './providers.js';

/** A directory's client and what it was made from. */
interface Client {
  readonly directory: LdapDirectory;
  readonly settings: string;
  readonly password: Secret;
  uses: number;
  isReplaced: boolean;
}

/**
 * The client of each provider that is a directory, with its connections: made when it is first needed, and anew when the
 * provider is another than it was, whichever replica changed it.
 */
@Injectable()
export class LdapDirectories implements OnApplicationShutdown {
  readonly #clients = new Map<string, Client>();

  constructor(
    private readonly providers: Providers,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** Works with the provider's directory. @throws Unavailable for one whose settings do not hold */
  async use<Result>(
    provider: LdapProvider,
    work: (directory: LdapDirectory) => Promise<Result>,
  ): Promise<Result> {
    const password = await this.providers.secretOf(provider);
    if (!password) throw unusable(provider, 'it was removed, or has no bind_password');
    const client = this.#clientOf(provider, password);
    client.uses += 1;
    try {
      return await work(client.directory);
    } finally {
      client.uses -= 1;
      if (client.isReplaced && client.uses === 0) client.directory.close();
    }
  }

  /** Asks the directory now; what is wrong with it, if anything is. */
  fault(provider: LdapProvider): Promise<string | undefined> {
    return this.use(provider, (directory) => directory.fault());
  }

  /** Lets go of the clients of providers that are no more. */
  keepOnly(providers: readonly IdentityProvider[]): void {
    for (const [id, client] of this.#clients)
      if (!providers.some((provider) => provider.id === id)) this.#letGo(id, client);
  }

  onApplicationShutdown(): void {
    for (const { directory } of this.#clients.values()) directory.close();
  }

  #clientOf(provider: LdapProvider, password: Secret): Client {
    const settings = JSON.stringify(provider.config);
    const known = this.#clients.get(provider.id);
    if (known?.settings === settings && known.password.reveal() === password.reveal()) return known;
    const read = ldapConfig.safeParse(provider.config);
    if (!read.success) throw unusable(provider, read.error.message);
    const directory = new LdapDirectory(read.data, { password, log: this.log, clock: this.clock });
    const client = { directory, settings, password, uses: 0, isReplaced: false };
    if (known) this.#letGo(provider.id, known);
    this.#clients.set(provider.id, client);
    return client;
  }

  /** Who is just logging in may end what they began. */
  #letGo(id: string, client: Client): void {
    this.#clients.delete(id);
    client.isReplaced = true;
    if (client.uses === 0) client.directory.close();
  }
}

const unusable = ({ name }: LdapProvider, why: string): Unavailable =>
  new Unavailable(`the identity provider ${JSON.stringify(name)} cannot be used as it is`, {
    cause: new Error(why),
  });
