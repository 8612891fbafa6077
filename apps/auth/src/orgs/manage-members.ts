import { Injectable } from '@nestjs/common';
import { audited, requirePermission, tenantOf, type Audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { MAX_TEAMS_OF_A_PERSON, type Principal, type TeamRole } from '@lineclear/contracts';
import { BadInput, Clock, Conflict, NotAllowed, NotFound, type Tx } from '@lineclear/kit';
import * as members from '../db/members.repo.js';
import * as users from '../db/users.repo.js';
import { roleChangeFault, type RoleChange } from '../domain/team-rights.js';
import { InsideOrg, teamOf } from './inside-org.js';
import { tellOfPeople } from './tell-changes.js';

/** Who is in an organisation and its teams. Each change is told, as principals carry both. */
@Injectable()
export class ManageMembers {
  constructor(
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly inside: InsideOrg,
  ) {}

  async addToOrg(caller: Principal, orgId: number, userId: number): Promise<members.MemberRow> {
    return this.inside.change(caller, orgId, async (tx, author) => {
      requirePermission(author, 'org.create');
      if (!(await this.#joinOrg(tx, orgId, userId)))
        throw new Conflict('this person is in the organization already');
      await this.#tell(tx, userId, 'org.member_added', { org_id: orgId });
      return (await members.inOrg(tx, orgId, userId))!;
    });
  }

  async removeFromOrg(caller: Principal, orgId: number, userId: number): Promise<void> {
    await this.inside.change(caller, orgId, async (tx, author) => {
      requirePermission(author, 'org.create');
      if (!(await members.leaveOrg(tx, orgId, userId)))
        throw new NotFound('member of the organization', userId);
      await this.#tell(tx, userId, 'org.member_removed', { org_id: orgId });
    });
  }

  /** Makes a person one of a team, and so of its organisation. */
  async addToTeam(
    caller: Principal,
    orgId: number,
    teamId: number,
    { userId, role }: { readonly userId: number; readonly role: TeamRole },
  ): Promise<members.TeamMemberRow> {
    return this.#changeTeam(caller, orgId, teamId, async (tx, allow, author) => {
      allow({ after: role });
      // Nobody takes people into an organisation who does not make them: they would be out of sight of where they were.
      if (tenantOf(author) !== undefined && !(await members.inOrg(tx, orgId, userId)))
        throw BadInput.at('user_id', `there is no user ${userId} in this organization`);
      await this.#joinOrg(tx, orgId, userId);
      if (await members.inTeam(tx, teamId, userId)) throw new Conflict('this person is in the team already');
      await refuseTooManyTeams(tx, userId);
      await members.joinTeam(tx, teamId, userId, role, this.clock.now());
      await this.#tell(tx, userId, 'team.member_added', { team_id: teamId, role });
      return (await members.inTeam(tx, teamId, userId))!;
    });
  }

  async setRole(
    caller: Principal,
    orgId: number,
    teamId: number,
    { userId, role }: { readonly userId: number; readonly role: TeamRole },
  ): Promise<members.TeamMemberRow> {
    return this.#changeTeam(caller, orgId, teamId, async (tx, allow) => {
      const before = await roleOf(tx, teamId, userId);
      allow({ before, after: role });
      await members.setRole(tx, teamId, userId, role);
      const details = { team_id: teamId, role: { from: before, to: role } };
      await this.#tell(tx, userId, 'team.role_changed', details);
      return (await members.inTeam(tx, teamId, userId))!;
    });
  }

  async removeFromTeam(caller: Principal, orgId: number, teamId: number, userId: number): Promise<void> {
    await this.#changeTeam(caller, orgId, teamId, async (tx, allow) => {
      allow({ before: await roleOf(tx, teamId, userId) });
      await members.leaveTeam(tx, teamId, userId);
      await this.#tell(tx, userId, 'team.member_removed', { team_id: teamId });
    });
  }

  async #changeTeam<T>(
    caller: Principal,
    orgId: number,
    teamId: number,
    work: (tx: Tx, allow: (change: RoleChange) => void, author: Principal) => Promise<T>,
  ): Promise<T> {
    return this.inside.change(caller, orgId, async (tx, author) => {
      await teamOf(tx, orgId, teamId);
      requirePermission(author, 'team.manage.members');
      const allow = (change: RoleChange): void => {
        const fault = roleChangeFault(author, teamId, change);
        if (fault !== undefined) throw new NotAllowed(fault);
      };
      return work(tx, allow, author);
    });
  }

  async #tell(tx: Tx, userId: number, action: string, details: Audited['details'] & object): Promise<void> {
    await tellOfPeople(this.bus, tx, [userId]);
    await this.bus.publish(tx, audited(action, { target: `user/${userId}`, details }));
  }

  /** False for who is in it already. @throws BadInput for an unknown person, Conflict for one of another organisation. */
  async #joinOrg(tx: Tx, orgId: number, userId: number): Promise<boolean> {
    if (!(await users.byId(tx, userId))) throw BadInput.at('user_id', `there is no user ${userId}`);
    if (await members.joinOrg(tx, orgId, userId, this.clock.now())) return true;
    if (await members.inOrg(tx, orgId, userId)) return false;
    throw new Conflict('this person belongs to another organization');
  }
}

async function roleOf(tx: Tx, teamId: number, userId: number): Promise<TeamRole> {
  const member = await members.inTeam(tx, teamId, userId);
  if (!member) throw new NotFound('member of the team', userId);
  return member.role;
}

/** @throws Conflict when a person is in as many teams as a principal carries. */
export async function refuseTooManyTeams(tx: Tx, userId: number): Promise<void> {
  if ((await members.teamCount(tx, userId)) >= MAX_TEAMS_OF_A_PERSON)
    throw new Conflict(`this person is in ${MAX_TEAMS_OF_A_PERSON} teams, and may not be in more`);
}
