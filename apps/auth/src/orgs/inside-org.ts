import { Injectable } from '@nestjs/common';
import { isOfTenant } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Clock, Database, NotFound, type Queryable, type Tx } from '@lineclear/kit';
import { callerNow } from '../credentials/find-by-token.js';
import * as orgs from '../db/orgs.repo.js';
import * as teams from '../db/teams.repo.js';

/** The door of an organisation: to those of others, it and all that is in it is not there. */
@Injectable()
export class InsideOrg {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** @throws NotFound */
  async org(caller: Principal, id: number): Promise<orgs.OrgRow> {
    const org = isOfTenant(caller, id) ? await orgs.byId(this.database, id) : undefined;
    if (!org) throw new NotFound('organization', id);
    return org;
  }

  /** @throws NotFound */
  async team(caller: Principal, orgId: number, id: number): Promise<teams.TeamRow> {
    await this.org(caller, orgId);
    return teamOf(this.database, orgId, id);
  }

  /**
   * Changes something in an organisation. These changes go one after another: whose role counts, and which ceiling, is
   * what it is when the change is made. @throws NotFound
   */
  async change<T>(
    caller: Principal,
    id: number,
    work: (tx: Tx, author: Principal) => Promise<T>,
  ): Promise<T> {
    return this.database.tx(async (tx) => {
      const isThere = await orgs.lock(tx, id);
      const author = await callerNow(tx, caller, this.clock.now());
      if (!isThere || !isOfTenant(author, id)) throw new NotFound('organization', id);
      return work(tx, author);
    });
  }
}

/** @throws NotFound also for a team of another organisation. */
export async function teamOf(on: Queryable, orgId: number, id: number): Promise<teams.TeamRow> {
  const team = await teams.byId(on, orgId, id);
  if (!team) throw new NotFound('team', id);
  return team;
}
