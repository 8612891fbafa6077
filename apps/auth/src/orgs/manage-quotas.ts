import { Injectable } from '@nestjs/common';
import { requirePermission } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import type { Principal, Quota, QuotaKey, QuotaType } from '@lineclear/contracts';
import { BadInput, Clock, Database, NotFound, type Tx } from '@lineclear/kit';
import { callerNow } from '../credentials/find-by-token.js';
import * as quotas from '../db/quotas.repo.js';
import * as users from '../db/users.repo.js';
import { teamLimitFault } from '../domain/ceilings.js';
import { wishedLevel } from '../people/wished-level.js';
import { InsideOrg, teamOf } from './inside-org.js';
import { removeQuotas, tellOfQuota } from './tell-changes.js';

/** A quota without whom it is about. */
export type Limit = Pick<Quota, 'quota_type' | 'limit' | 'action'>;
/** Whose use a quota limits. */
export type Subject = Pick<QuotaKey, 'scope' | 'subject'>;

/** How much people, teams and organisations may use. Every change is told to those who hold jobs back by it. */
@Injectable()
export class ManageQuotas {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly inside: InsideOrg,
  ) {}

  /** Teams keep what they have, also above a lower ceiling: they are bounded by it all the same. */
  async setOfOrg(caller: Principal, orgId: number, limit: Limit): Promise<quotas.QuotaRow> {
    return this.inside.change(caller, orgId, async (tx, author) => {
      requirePermission(author, 'admin.config');
      return this.#set(tx, { ...ofOrg(orgId), ...limit });
    });
  }

  async removeOfOrg(caller: Principal, orgId: number, type: QuotaType): Promise<void> {
    await this.inside.change(caller, orgId, async (tx, author) => {
      requirePermission(author, 'admin.config');
      await this.#remove(tx, { ...ofOrg(orgId), quota_type: type });
    });
  }

  async setOfTeam(caller: Principal, orgId: number, teamId: number, limit: Limit): Promise<quotas.QuotaRow> {
    return this.inside.change(caller, orgId, async (tx, author) => {
      await teamOf(tx, orgId, teamId);
      requirePermission(author, 'admin.config');
      const ceilings = await quotas.ofSubjects(tx, [ofOrg(orgId)]);
      const ceiling = ceilings.find(({ quota_type }) => quota_type === limit.quota_type);
      const fault = teamLimitFault(limit.limit, ceiling?.limit);
      if (fault !== undefined) throw BadInput.at('limit_value', fault);
      return this.#set(tx, { ...ofTeam(teamId), ...limit });
    });
  }

  async removeOfTeam(caller: Principal, orgId: number, teamId: number, type: QuotaType): Promise<void> {
    await this.inside.change(caller, orgId, async (tx, author) => {
      await teamOf(tx, orgId, teamId);
      requirePermission(author, 'admin.config');
      await this.#remove(tx, { ...ofTeam(teamId), quota_type: type });
    });
  }

  async setPersonal(caller: Principal, whose: Subject, limit: Limit): Promise<quotas.QuotaRow> {
    return this.#changePersonal(caller, async (tx) => {
      if (whose.scope === 'user' && !(await users.byId(tx, Number(whose.subject))))
        throw BadInput.at('user_id', `there is no user ${whose.subject}`);
      if (whose.scope === 'level') {
        // Nobody removes the level meanwhile.
        await users.lockRights(tx);
        await wishedLevel(tx, { name: whose.subject, field: 'level' });
      }
      return this.#set(tx, { ...whose, ...limit });
    });
  }

  async removePersonal(caller: Principal, id: number): Promise<void> {
    await this.#changePersonal(caller, async (tx) => {
      const quota = await quotas.personalById(tx, id);
      if (!quota) throw new NotFound('quota', id);
      await this.#remove(tx, quota);
    });
  }

  async #changePersonal<T>(caller: Principal, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.database.tx(async (tx) => {
      requirePermission(await callerNow(tx, caller, this.clock.now()), 'admin.config');
      return work(tx);
    });
  }

  async #set(tx: Tx, quota: Quota): Promise<quotas.QuotaRow> {
    const set = await quotas.set(tx, quota, this.clock.now());
    await tellOfQuota(this.bus, tx, set);
    return set;
  }

  async #remove(tx: Tx, key: QuotaKey): Promise<void> {
    if ((await removeQuotas(this.bus, tx, key)) === 0) throw new NotFound('quota', key.quota_type);
  }
}

export const ofOrg = (id: number): Subject => ({ scope: 'org', subject: String(id) });
export const ofTeam = (id: number): Subject => ({ scope: 'team', subject: String(id) });
