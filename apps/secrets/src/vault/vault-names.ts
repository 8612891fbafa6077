import type { Asker } from '../domain/lookup.js';
import { GLOBAL } from '../domain/scopes.js';
import type { Found, Presence, SecretSource } from '../sources/source.js';
import type { KeepLeases } from '../jobs/keep-leases.js';
import { JobLeases } from './job-leases.js';
import type { KeyPlace, VaultSource } from './vault-source.js';

/** Vault as a source, where there is one. */
export function vaultNames(keep: KeepLeases): VaultNames | undefined {
  if (!keep.parts) return undefined;
  const { source, dynamic, metrics } = keep.parts.vault;
  const leases = new JobLeases({ ...keep.parts, metrics, wake: () => keep.wake() });
  return new VaultNames(source, leases, dynamic);
}

/** Vault as a source: names of its key-value engine, and those whose values it makes for each attempt of a job. */
export class VaultNames implements SecretSource {
  readonly name = 'vault';

  constructor(
    private readonly stored: VaultSource,
    private readonly leases: JobLeases,
    private readonly dynamic: ReadonlyMap<string, KeyPlace>,
  ) {}

  async find(scope: string, names: readonly string[], asker?: Asker): Promise<ReadonlyMap<string, Found>> {
    const stored = await this.stored.find(
      scope,
      names.filter((name) => !this.dynamic.has(name)),
    );
    if (scope !== GLOBAL || asker?.purpose !== 'run' || asker.of === undefined) return stored;
    const made = await this.leases.find(
      new Map([...this.dynamic].filter(([name]) => names.includes(name))),
      asker.of,
    );
    return new Map([...stored, ...made]);
  }

  /** Asks Vault for none of those that it would make. */
  async presence(scope: string, name: string, asker?: Asker): Promise<Presence> {
    const place = this.dynamic.get(name);
    if (scope !== GLOBAL || !place) return this.stored.presence(scope, name);
    const note = `${place.key} of ${place.path}, made for each attempt of a job, and for nobody else`;
    return { has: asker?.purpose === 'run', note };
  }

  /** Forgets what is remembered of stored secrets. */
  clear(): void {
    this.stored.clear();
  }
}
