import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, Database } from '@lineclear/kit';
import type { z } from 'zod';
import * as members from '../db/members.repo.js';
import { InsideOrg } from '../orgs/inside-org.js';
import { ManageMembers } from '../orgs/manage-members.js';
import { rowId } from './fields.js';
import {
  nextCursor,
  oneTeamMember,
  pageOf,
  pageQuery,
  roleBody,
  success,
  teamMemberBody,
  teamMemberList,
  teamMemberView,
} from './org-fields.js';

/** Who is in a team, and as what. */
@Controller('api/orgs/:org/teams/:team/members')
export class TeamMembersController {
  constructor(
    private readonly manage: ManageMembers,
    private readonly inside: InsideOrg,
    private readonly database: Database,
  ) {}

  @Get()
  @Allow('team.view')
  @Answers(200, teamMemberList, 'Lists the people of a team by id')
  async list(
    @Who() caller: Principal,
    @Param('org', { schema: rowId }) org: number,
    @Param('team', { schema: rowId }) team: number,
    @Query({ schema: pageQuery }) query: z.infer<typeof pageQuery>,
  ): Promise<z.infer<typeof teamMemberList>> {
    await this.inside.team(caller, org, team);
    const { rows, total } = await members.pageOfTeam(this.database, team, pageOf(query));
    const ids = rows.map(({ user_id }) => user_id);
    return { members: rows.map(teamMemberView), total, ...nextCursor(ids, query) };
  }

  @Post()
  @Allow('team.view')
  @Answers(201, oneTeamMember, 'Adds a person to a team, and to its organization; needs team.manage.members')
  async add(
    @Who() caller: Principal,
    @Param('org', { schema: rowId }) org: number,
    @Param('team', { schema: rowId }) team: number,
    @Body({ schema: teamMemberBody }) body: z.infer<typeof teamMemberBody>,
  ): Promise<z.infer<typeof oneTeamMember>> {
    const { user_id: userId, role } = body;
    return { member: teamMemberView(await this.manage.addToTeam(caller, org, team, { userId, role })) };
  }

  @Patch(':user')
  @Allow('team.view')
  @Answers(200, oneTeamMember, 'Gives a person another role in a team; needs team.manage.members')
  async change(
    @Who() caller: Principal,
    @Param('org', { schema: rowId }) org: number,
    @Param('team', { schema: rowId }) team: number,
    @Param('user', { schema: rowId }) userId: number,
    @Body({ schema: roleBody }) { role }: z.infer<typeof roleBody>,
  ): Promise<z.infer<typeof oneTeamMember>> {
    return { member: teamMemberView(await this.manage.setRole(caller, org, team, { userId, role })) };
  }

  @Delete(':user')
  @Allow('team.view')
  @Answers(200, success, 'Takes a person out of a team, not of its organization; needs team.manage.members')
  async remove(
    @Who() caller: Principal,
    @Param('org', { schema: rowId }) org: number,
    @Param('team', { schema: rowId }) team: number,
    @Param('user', { schema: rowId }) user: number,
  ): Promise<z.infer<typeof success>> {
    await this.manage.removeFromTeam(caller, org, team, user);
    return { success: true };
  }
}
