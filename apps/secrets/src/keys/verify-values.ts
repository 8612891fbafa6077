import { Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Database } from '@lineclear/kit';
import {
  someVersions,
  versionsAfter,
  type CurrentVersion,
  type WholeVersion,
} from '../db/all-versions.repo.js';
import { recordOf } from '../db/keys.repo.js';
import { CannotOpen } from '../domain/envelope.js';
import { KeyRing } from './key-ring.js';

/** Versions that one call opens: some tens of milliseconds where keys are at hand. */
export const MAX_VERIFIED = 1_000;
const AT_ONCE = 100;

export interface Verified {
  readonly checked: number;
  readonly failed: readonly WholeVersion[];
  /** How many each key opened. */
  readonly keys: ReadonlyMap<string, number>;
  /** The last one that was looked at, where there may be more. */
  readonly last?: CurrentVersion;
}

/** Proves that stored values open with the keys that are here, as after a restore of a backup. Values are thrown away at once. */
@Injectable()
export class VerifyValues {
  constructor(
    private readonly database: Database,
    private readonly ring: KeyRing,
    private readonly bus: Bus,
  ) {}

  /** Any `count` of all. @throws Unavailable when a root key is out of reach: that says nothing about the values */
  async sample(count: number): Promise<Verified> {
    return this.#told(await this.#open(await someVersions(this.database, count)));
  }

  /** As many as one call takes, after this one. @throws as `sample` does */
  async after(start: CurrentVersion): Promise<Verified> {
    const rows = await versionsAfter(this.database, start, MAX_VERIFIED);
    const last = rows.length === MAX_VERIFIED ? rows.at(-1) : undefined;
    return this.#told({ ...(await this.#open(rows)), ...(last ? { last } : {}) });
  }

  async #open(rows: readonly WholeVersion[]): Promise<Verified> {
    const failed: WholeVersion[] = [];
    const keys = new Map<string, number>();
    for (const [index, row] of rows.entries()) {
      // Others are answered meanwhile.
      if (index % AT_ONCE === AT_ONCE - 1) await new Promise((resolve) => setImmediate(resolve));
      if (await this.#opens(row)) keys.set(row.kek_id, (keys.get(row.kek_id) ?? 0) + 1);
      else failed.push(row);
    }
    return { checked: rows.length, failed, keys };
  }

  async #opens(row: WholeVersion): Promise<boolean> {
    const { id: secretId, scope, name, version } = row;
    try {
      await this.ring.open({ purpose: 'secret', scope, secretId, name, version }, recordOf(row));
      return true;
    } catch (error) {
      if (error instanceof CannotOpen) return false;
      throw error;
    }
  }

  async #told(verified: Verified): Promise<Verified> {
    const { checked, failed } = verified;
    const entry = audited('secrets.verified', { details: { checked, failed: failed.length } });
    await this.database.tx((tx) => this.bus.publish(tx, entry));
    return verified;
  }
}
