import { Injectable } from '@nestjs/common';
import { audited, differences, requirePermission } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import type { Principal } from '@lineclear/contracts';
import { Clock, NotAllowed } from '@lineclear/kit';
import * as members from '../db/members.repo.js';
import { refuseTaken, type Described, type DescribedPatch } from '../db/orgs.repo.js';
import * as teams from '../db/teams.repo.js';
import { isStaff, mayRemoveTeam } from '../domain/team-rights.js';
import { InsideOrg, teamOf } from './inside-org.js';
import { refuseTooManyTeams } from './manage-members.js';
import { removeQuotas, tellOfPeople } from './tell-changes.js';

/** What is done to the teams of an organisation. */
@Injectable()
export class ManageTeams {
  constructor(
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly inside: InsideOrg,
  ) {}

  /** Makes a team. Somebody of the organisation who makes one is its first admin, as nobody in it could let people in. */
  async create(caller: Principal, orgId: number, team: Described): Promise<teams.TeamRow> {
    const made = this.inside.change(caller, orgId, async (tx, author) => {
      requirePermission(author, 'team.create');
      const id = await teams.insert(tx, orgId, team, this.clock.now());
      const { name, slug } = team;
      const details = { name, slug, org_id: orgId };
      await this.bus.publish(tx, audited('team.created', { target: `team/${id}`, details }));
      if (!isStaff(author)) {
        await refuseTooManyTeams(tx, author.user_id);
        await members.joinTeam(tx, id, author.user_id, 'admin', this.clock.now());
        await tellOfPeople(this.bus, tx, [author.user_id]);
      }
      return teamOf(tx, orgId, id);
    });
    return refuseTaken(made);
  }

  async change(caller: Principal, orgId: number, id: number, patch: DescribedPatch): Promise<teams.TeamRow> {
    return this.inside.change(caller, orgId, async (tx, author) => {
      const before = await teamOf(tx, orgId, id);
      requirePermission(author, 'team.create');
      await teams.update(tx, id, patch, this.clock.now());
      const after = await teamOf(tx, orgId, id);
      const details = differences(before, after, ['name', 'description', 'settings']);
      await this.bus.publish(tx, audited('team.changed', { target: `team/${id}`, details }));
      return after;
    });
  }

  /** Removes a team, everybody's membership in it and its quotas. What ran for it keeps its id, which no other team gets. */
  async remove(caller: Principal, orgId: number, id: number): Promise<void> {
    await this.inside.change(caller, orgId, async (tx, author) => {
      await teamOf(tx, orgId, id);
      requirePermission(author, 'team.create');
      if (!mayRemoveTeam(author, id)) throw new NotAllowed('a team is removed by its admins');
      const userIds = await members.userIdsOfTeam(tx, id);
      await removeQuotas(this.bus, tx, { scope: 'team', subject: String(id) });
      await teams.remove(tx, id);
      const details = { org_id: orgId, user_ids: userIds };
      await this.bus.publish(tx, audited('team.removed', { target: `team/${id}`, details }));
      await tellOfPeople(this.bus, tx, userIds);
    });
  }
}
