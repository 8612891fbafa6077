import { Injectable } from '@nestjs/common';
import { BadInput, Database, NotFound, Unavailable } from '@lineclear/kit';
import { GuessGate, typedName, type Locked } from '../credentials/guess-gate.js';
import type { LoggedIn, Visit } from '../credentials/let-in.js';
import type { PasswordGuess } from '../credentials/password-gate.js';
import * as failures from '../db/login-failures.repo.js';
import { comparedName } from '../domain/compared-name.js';
import type { ExternalPerson, LdapProvider } from '../domain/identity-provider.js';
import { AdmitPerson } from './admit-person.js';
import { LdapDirectories } from './ldap-directories.js';
import { Providers } from './providers.js';

/** Logins by a password that a directory knows; wrong ones count as those of this house do. */
@Injectable()
export class LdapLogin {
  constructor(
    private readonly database: Database,
    private readonly gate: GuessGate,
    private readonly providers: Providers,
    private readonly directories: LdapDirectories,
    private readonly people: AdmitPerson,
  ) {}

  /** @throws Unavailable when the directory cannot be asked, which counts as no guess */
  async attempt(
    providerName: string | undefined,
    attempt: PasswordGuess & Visit,
  ): Promise<LoggedIn | { readonly state: 'wrong' } | Locked> {
    const provider = await this.#providerOf(providerName);
    const key = `ldap:${provider.id}:${typedName(comparedName(attempt.name))}`;
    const guess = { key, address: attempt.address, account: undefined };
    const outcome = await this.gate.pass(guess, () => this.#prove(provider, attempt));
    if (outcome.state !== 'right') return outcome;
    const loggedIn = await this.people.admit(provider, outcome.proven, attempt);
    await this.database.tx((tx) => failures.forget(tx, key));
    return loggedIn;
  }

  async #providerOf(name: string | undefined): Promise<LdapProvider> {
    const all = await this.providers.all();
    this.directories.keepOnly(all);
    const directories = all.filter((provider) => provider.type === 'ldap');
    if (name !== undefined) {
      const named = directories.find((provider) => provider.name === name);
      if (!named) throw BadInput.at('provider', 'is not the name of a directory');
      if (!named.enabled) throw BadInput.at('provider', 'is switched off');
      return named;
    }
    const enabled = directories.filter((provider) => provider.enabled);
    const [only, ...others] = enabled;
    if (!only) throw new NotFound('enabled identity provider of the type', 'ldap');
    if (others.length > 0) {
      const names = enabled.map((provider) => provider.name).join(', ');
      throw BadInput.at('provider', `is needed, as there are several: ${names}`);
    }
    return only;
  }

  async #prove(
    provider: LdapProvider,
    { name, password }: PasswordGuess,
  ): Promise<ExternalPerson | undefined> {
    const login = await this.directories.use(provider, (directory) => directory.authenticate(name, password));
    if (login.state === 'unreachable') {
      // Why is for the log: whoever logs in need not know where the directory is.
      throw new Unavailable(
        `the identity provider ${JSON.stringify(provider.name)} cannot be reached right now`,
        { cause: new Error(login.reason) },
      );
    }
    return login.state === 'in' ? login.person : undefined;
  }
}
