import { Injectable } from '@nestjs/common';
import { audited, differences, nothingChanged } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Database, NotFound, type Tx } from '@lineclear/kit';
import { lockSettings, saveSettings, type Settings } from '../db/secrets.repo.js';
import { levelAfter, type WantedDemand } from '../domain/demands.js';

/** What somebody wants beside the value; what is not said stays. */
export interface WantedSettings extends WantedDemand {
  readonly description?: string | null | undefined;
  readonly expiresAt?: Date | null | undefined;
}

/** Changes what is set for a secret beside its value, without a new version. */
@Injectable()
export class SecretSettings {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
  ) {}

  /** @throws NotFound */
  async change(scope: string, name: string, wanted: WantedSettings): Promise<void> {
    const isChanged = await this.database.tx((tx) => this.apply(tx, scope, name, wanted));
    if (!isChanged) nothingChanged();
  }

  /** The same inside a transaction; whether anything is another than before. */
  async apply(tx: Tx, scope: string, name: string, wanted: WantedSettings): Promise<boolean> {
    const before = await lockSettings(tx, scope, name);
    if (!before) throw new NotFound('secret', name);
    const after = {
      description: wanted.description === undefined ? before.description : wanted.description,
      expires_at: wanted.expiresAt === undefined ? before.expires_at : wanted.expiresAt,
      approval_level: levelAfter(before.approval_level, wanted),
    };
    const changes = differences(told(before), told(after), ['description', 'expires_at', 'approval_level']);
    if (Object.keys(changes).length === 0) return false;
    await saveSettings(tx, scope, name, after);
    const details = { scope, ...changes };
    await this.bus.publish(tx, audited('secret.settings_changed', { target: `secret/${name}`, details }));
    return true;
  }
}

const told = ({ expires_at, ...rest }: Settings) => ({
  ...rest,
  expires_at: expires_at?.toISOString() ?? null,
});
