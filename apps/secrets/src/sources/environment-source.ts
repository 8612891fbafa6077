import { Secret } from '@lineclear/kit';
import { environmentVariable, isOwnSetting } from '../domain/environment-variable.js';
import type { Found, Presence, SecretSource } from './source.js';

/** The environment this process was started with, as far as it is not the house's own configuration. */
export class EnvironmentSource implements SecretSource {
  readonly name = 'environment';

  constructor(
    private readonly env: Readonly<NodeJS.ProcessEnv>,
    private readonly prefix: string | undefined,
    private readonly isSetting: (variable: string) => boolean = isOwnSetting,
  ) {}

  // oxlint-disable-next-line typescript/require-await -- other sources ask over the network
  async find(_scope: string, names: readonly string[]): Promise<ReadonlyMap<string, Found>> {
    const found = new Map<string, Found>();
    for (const name of names) {
      const value = this.#valueOf(environmentVariable(name, this.prefix));
      if (value !== undefined) found.set(name, { value: new Secret(value), version: null });
    }
    return found;
  }

  // oxlint-disable-next-line typescript/require-await -- other sources ask over the network
  async presence(_scope: string, name: string): Promise<Presence> {
    const variable = environmentVariable(name, this.prefix);
    if (this.isSetting(variable))
      return {
        has: false,
        note: `the variable ${variable} is configuration, which is never a secret to hand out`,
      };
    return { has: this.#valueOf(variable) !== undefined, note: `the variable ${variable}` };
  }

  /** An empty variable counts as not set, as everywhere in the configuration. */
  #valueOf(variable: string): string | undefined {
    if (this.isSetting(variable) || !Object.hasOwn(this.env, variable)) return undefined;
    return this.env[variable] || undefined;
  }
}
