import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, Database } from '@lineclear/kit';
import type { z } from 'zod';
import * as teams from '../db/teams.repo.js';
import { InsideOrg } from '../orgs/inside-org.js';
import { ManageTeams } from '../orgs/manage-teams.js';
import { rowId } from './fields.js';
import {
  describedBody,
  describedPatch,
  nextCursor,
  oneTeam,
  pageOf,
  pageQuery,
  success,
  teamList,
  teamView,
} from './org-fields.js';

/** The teams of an organisation. */
@Controller('api/orgs/:org/teams')
export class TeamsController {
  constructor(
    private readonly manage: ManageTeams,
    private readonly inside: InsideOrg,
    private readonly database: Database,
  ) {}

  @Get()
  @Allow('team.view')
  @Answers(200, teamList, 'Lists the teams of an organization by id')
  async list(
    @Who() caller: Principal,
    @Param('org', { schema: rowId }) org: number,
    @Query({ schema: pageQuery }) query: z.infer<typeof pageQuery>,
  ): Promise<z.infer<typeof teamList>> {
    await this.inside.org(caller, org);
    const { rows, total } = await teams.page(this.database, { orgId: org, ...pageOf(query) });
    const ids = rows.map(({ id }) => id);
    return { teams: rows.map(teamView), total, ...nextCursor(ids, query) };
  }

  @Post()
  @Allow('team.view')
  @Answers(201, oneTeam, 'Makes a team; needs team.create. One of the organization becomes its first admin')
  async create(
    @Who() caller: Principal,
    @Param('org', { schema: rowId }) org: number,
    @Body({ schema: describedBody }) body: z.infer<typeof describedBody>,
  ): Promise<z.infer<typeof oneTeam>> {
    return { team: teamView(await this.manage.create(caller, org, body)) };
  }

  @Get(':team')
  @Allow('team.view')
  @Answers(200, oneTeam, 'Shows a team')
  async get(
    @Who() caller: Principal,
    @Param('org', { schema: rowId }) org: number,
    @Param('team', { schema: rowId }) id: number,
  ): Promise<z.infer<typeof oneTeam>> {
    return { team: teamView(await this.inside.team(caller, org, id)) };
  }

  @Patch(':team')
  @Allow('team.view')
  @Answers(200, oneTeam, 'Changes what is said of a team; needs team.create')
  async change(
    @Who() caller: Principal,
    @Param('org', { schema: rowId }) org: number,
    @Param('team', { schema: rowId }) id: number,
    @Body({ schema: describedPatch }) body: z.infer<typeof describedPatch>,
  ): Promise<z.infer<typeof oneTeam>> {
    return { team: teamView(await this.manage.change(caller, org, id, body)) };
  }

  @Delete(':team')
  @Allow('team.view')
  @Answers(200, success, 'Removes a team with its memberships and ceilings; needs team.create')
  async remove(
    @Who() caller: Principal,
    @Param('org', { schema: rowId }) org: number,
    @Param('team', { schema: rowId }) id: number,
  ): Promise<z.infer<typeof success>> {
    await this.manage.remove(caller, org, id);
    return { success: true };
  }
}
