import { Injectable } from '@nestjs/common';
import { audited, nothingChanged } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Database } from '@lineclear/kit';
import { lockFingerprints } from '../db/versions.repo.js';
import { Fingerprints } from '../domain/fingerprint.js';
import type { NamedEntry } from '../imports/entry.js';
import { planImport, type PlannedImport } from '../imports/plan.js';
import { KeyRing } from '../keys/key-ring.js';
import { ChangeSecrets } from './change-secrets.js';

export interface Import {
  readonly scope: string;
  readonly format: string;
  readonly entries: readonly NamedEntry[];
  readonly overwrite: boolean;
  readonly dryRun: boolean;
  readonly byUserId: number;
}

export type Imported = PlannedImport & { readonly version?: number };

/** Takes many secrets in at once: those that can be are set in one transaction, all of them or none. */
@Injectable()
export class ImportSecrets {
  constructor(
    private readonly database: Database,
    private readonly ring: KeyRing,
    private readonly fingerprints: Fingerprints,
    private readonly change: ChangeSecrets,
    private readonly bus: Bus,
  ) {}

  /** What became of each entry, or with `dryRun` what would. */
  async run(wanted: Import): Promise<Imported[]> {
    const { scope, entries, overwrite, dryRun, byUserId } = wanted;
    const kek = await this.ring.newest();
    return this.database.tx(async (tx) => {
      const current = await lockFingerprints(
        tx,
        scope,
        entries.map(({ name }) => name),
      );
      const plan = planImport(entries, current, (value) => this.fingerprints.of(value), overwrite);
      const isEmpty = plan.every(({ outcome }) => outcome !== 'set');
      if (dryRun || isEmpty) {
        nothingChanged();
        return plan;
      }
      const versions = new Map<string, number>();
      // In one order, whatever theirs is: two that bring the same names would wait for each other.
      for (const { outcome, entry } of plan.toSorted((a, b) => (a.entry.name < b.entry.name ? -1 : 1))) {
        if (outcome !== 'set') continue;
        const { name, value } = entry;
        versions.set(name, (await this.change.write(tx, kek, { scope, name, value, byUserId })).version);
      }
      await this.bus.publish(tx, told(wanted, plan));
      return plan.map((planned) => {
        const version = planned.outcome === 'set' ? versions.get(planned.entry.name) : undefined;
        return version === undefined ? planned : { ...planned, version };
      });
    });
  }
}

function told({ scope, format }: Import, plan: readonly PlannedImport[]) {
  const of = (outcome: PlannedImport['outcome']): string[] =>
    plan.filter((planned) => planned.outcome === outcome).map(({ entry }) => entry.name);
  return audited('secrets.imported', {
    target: `secrets/${scope}`,
    details: {
      format,
      set: of('set').length,
      names: of('set'),
      unchanged: of('unchanged').length,
      kept: of('kept').length,
      refused: of('refused').length,
    },
  });
}
