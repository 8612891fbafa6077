import { secretOfProvider, type ConfigFile } from '@lineclear/kit';

/** The providers that take a credential, and the name of the secret that it is. */
export class KeyedProviders {
  readonly #secrets: ReadonlyMap<string, string>;

  constructor(providers: ConfigFile['providers']) {
    this.#secrets = new Map(
      Object.entries(providers).flatMap(([name, provider]) => {
        const secret = secretOfProvider(provider);
        return secret === undefined ? [] : [[name, secret] as const];
      }),
    );
  }

  secretOf(provider: string): string | undefined {
    return this.#secrets.get(provider);
  }
}
