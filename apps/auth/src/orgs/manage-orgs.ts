import { Injectable } from '@nestjs/common';
import { audited, differences, requirePermission } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import type { Principal } from '@lineclear/contracts';
import { Clock, Conflict, Database } from '@lineclear/kit';
import { callerNow } from '../credentials/find-by-token.js';
import * as orgs from '../db/orgs.repo.js';
import { InsideOrg } from './inside-org.js';
import { removeQuotas } from './tell-changes.js';

/** What those who look after organisations do to them. */
@Injectable()
export class ManageOrgs {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly inside: InsideOrg,
  ) {}

  async create(caller: Principal, org: orgs.Described): Promise<orgs.OrgRow> {
    const made = this.database.tx(async (tx) => {
      requirePermission(await callerNow(tx, caller, this.clock.now()), 'org.create');
      const id = await orgs.insert(tx, org, this.clock.now());
      const { name, slug } = org;
      await this.bus.publish(tx, audited('org.created', { target: `org/${id}`, details: { name, slug } }));
      return (await orgs.byId(tx, id))!;
    });
    return orgs.refuseTaken(made);
  }

  async change(caller: Principal, id: number, patch: orgs.DescribedPatch): Promise<orgs.OrgRow> {
    return this.inside.change(caller, id, async (tx, author) => {
      requirePermission(author, 'org.create');
      const before = (await orgs.byId(tx, id))!;
      await orgs.update(tx, id, patch, this.clock.now());
      const after = (await orgs.byId(tx, id))!;
      const details = differences(before, after, ['name', 'description', 'settings']);
      await this.bus.publish(tx, audited('org.changed', { target: `org/${id}`, details }));
      return after;
    });
  }

  /** Removes an organisation that nobody is in, with its quotas. */
  async remove(caller: Principal, id: number): Promise<void> {
    await this.inside.change(caller, id, async (tx, author) => {
      requirePermission(author, 'org.create');
      const { member_count, team_count } = (await orgs.byId(tx, id))!;
      if (member_count + team_count > 0)
        throw new Conflict(
          `the organization has ${member_count} members and ${team_count} teams: it is removed when it is empty`,
        );
      await removeQuotas(this.bus, tx, { scope: 'org', subject: String(id) });
      await orgs.remove(tx, id);
      await this.bus.publish(tx, audited('org.removed', { target: `org/${id}` }));
    });
  }
}
