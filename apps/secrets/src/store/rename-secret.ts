import { Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Clock, Conflict, NotFound } from '@lineclear/kit';
import { countLiveJobs } from '../db/grants.repo.js';
import { isAtWork } from '../db/key-works.repo.js';
import { recordOf } from '../db/keys.repo.js';
import { isCredential } from '../db/provider-credentials.repo.js';
import * as secrets from '../db/secrets.repo.js';
import * as versions from '../db/versions.repo.js';
import { KeyRing } from '../keys/key-ring.js';
import { changed, ChangeSecrets, type Which } from './change-secrets.js';

/** Gives secrets other names. */
@Injectable()
export class RenameSecret {
  constructor(
    private readonly change: ChangeSecrets,
    private readonly ring: KeyRing,
    private readonly bus: Bus,
    private readonly clock: Clock,
  ) {}

  /**
   * Gives a secret another name: all versions that are kept are sealed anew, as each belongs to its name. @throws NotFound,
   * Conflict where the name is taken, or while a job has the secret, which would ask for it by the old name
   */
  async rename(which: Which, to: string): Promise<{ version: number }> {
    await this.ring.refresh();
    return this.change.withNewestKey(async (tx, kek) => {
      const { scope, name: from, byUserId } = which;
      const secret = await secrets.lockSecret(tx, scope, from);
      if (!secret || secret.deleted_at !== null) throw new NotFound('secret', from);
      const { id, version } = secret;
      await this.change.requireOwnName(tx, scope, to);
      if (await secrets.findSecretId(tx, scope, to)) throw new Conflict(`there is a secret ${to} already`);
      const jobs = await countLiveJobs(tx, scope, from);
      if (jobs > 0)
        throw new Conflict(`${jobs} jobs under way know it as ${from}: rename it when they are over`);
      if (await isAtWork(tx))
        throw new Conflict('all values are being sealed anew: rename it when that is done');
      if (await isCredential(tx, id))
        throw new Conflict(`${from} is the credential of a provider, which looks for that name`);
      for (const stored of await versions.allVersions(tx, id)) {
        const at = { purpose: 'secret', scope, secretId: id, version: stored.version } as const;
        const value = await this.ring.open({ ...at, name: from }, recordOf(stored));
        await versions.replaceRecord(tx, at, this.ring.seal(kek, { ...at, name: to }, value.reveal()));
      }
      await secrets.renameSecret(tx, id, to);
      const at = { at: this.clock.now(), kind: 'renamed', version, ofVersion: null } as const;
      await versions.noteChange(tx, id, { ...at, byUser: byUserId ?? null });
      await this.bus.publish(
        tx,
        changed(id, which, 0),
        changed(id, { ...which, name: to }, version),
        audited('secret.renamed', { target: `secret/${to}`, details: { scope, from } }),
      );
      return { version };
    });
  }
}
