import { Injectable } from '@nestjs/common';
import { audited, nothingChanged } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Conflict, Database, Unprocessable, type Tx } from '@lineclear/kit';
import * as secrets from '../db/secrets.repo.js';
import * as versions from '../db/versions.repo.js';
import { planRestore, type Step } from '../domain/restore.js';
import { KeyRing } from '../keys/key-ring.js';
import { ChangeSecrets } from './change-secrets.js';

/** How many secrets one restore takes back: more are a job for the backups. */
export const MAX_RESTORED = 1_000;

/** All secrets of a scope whose names begin so, as they were at a moment. */
export interface Folder {
  readonly scope: string;
  readonly prefix: string;
  readonly at: Date;
  readonly byUserId: number;
}

export type PlannedStep = Step & { readonly name: string };

/** Takes a folder back to a moment, as a change like any other: what it undoes stays in the history. */
@Injectable()
export class RestoreFolder {
  constructor(
    private readonly database: Database,
    private readonly ring: KeyRing,
    private readonly change: ChangeSecrets,
    private readonly bus: Bus,
  ) {}

  /** What a restore would do, without doing it; what stays as it is is left out. */
  async plan(folder: Folder): Promise<PlannedStep[]> {
    return this.database.tx(async (tx) => (await this.#plan(tx, folder)).map(({ step }) => step));
  }

  /** Restores all of it or nothing. @throws Conflict when a version is not kept any more */
  async restore(folder: Folder): Promise<PlannedStep[]> {
    const kek = await this.ring.newest();
    await this.ring.refresh();
    return this.database.tx(async (tx) => {
      const planned = await this.#plan(tx, folder);
      const lost = planned.filter(({ step }) => step.step === 'lost').map(({ step }) => step.name);
      if (lost.length > 0)
        throw new Conflict(`the values of then are not kept any more of ${lost.slice(0, 10).join(', ')}`);
      for (const { step, secret } of planned) {
        if (step.step === 'set') await this.change.repeat(tx, kek, secret, step.version, folder.byUserId);
        if (step.step === 'remove') await this.change.mark(tx, secret, 'removed', folder.byUserId);
      }
      if (planned.length === 0) nothingChanged();
      else await this.bus.publish(tx, told(folder, planned.length));
      return planned.map(({ step }) => step);
    });
  }

  async #plan(
    tx: Tx,
    { scope, prefix, at }: Folder,
  ): Promise<{ secret: secrets.LockedSecret; step: PlannedStep }[]> {
    const found = await secrets.lockFolder(tx, scope, prefix, MAX_RESTORED + 1);
    if (found.length > MAX_RESTORED)
      throw new Unprocessable(`more than ${MAX_RESTORED} secrets begin with ${prefix}: take a longer prefix`);
    const ids = found.map(({ id }) => id);
    const [changes, kept] = [await versions.changesOf(tx, ids), await versions.keptVersions(tx, ids)];
    return found.flatMap((secret) => {
      const prints = kept.get(secret.id) ?? new Map<number, Buffer | null>();
      const step = planRestore(
        changes.get(secret.id) ?? [],
        at,
        { version: secret.version, isRemoved: secret.deleted_at !== null },
        {
          isKept: (version) => prints.has(version),
          isSame: (a, b) => prints.get(a)?.equals(prints.get(b) ?? Buffer.alloc(0)) ?? false,
        },
      );
      return step.step === 'keep' ? [] : [{ secret, step: { ...step, name: secret.name } }];
    });
  }
}

const told = ({ scope, prefix, at }: Folder, changed: number) =>
  audited('secrets.restored', {
    target: `secrets/${prefix}`,
    details: { scope, at: at.toISOString(), changed },
  });
