import { Body, Controller, Delete, Get, Param, Post } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import type { Principal, QuotaType } from '@lineclear/contracts';
import { Answers, Database } from '@lineclear/kit';
import type { z } from 'zod';
import * as quotas from '../db/quotas.repo.js';
import { InsideOrg } from '../orgs/inside-org.js';
import { ManageQuotas, ofTeam } from '../orgs/manage-quotas.js';
import { rowId } from './fields.js';
import { success } from './org-fields.js';
import {
  limitBody,
  limitOf,
  quotaList,
  quotaListView,
  quotaSchema,
  quotaType,
  quotaView,
} from './quota-fields.js';

/** The ceilings over all that the people of a team use together for it. */
@Controller('api/orgs/:org/teams/:team/quotas')
export class TeamQuotasController {
  constructor(
    private readonly manage: ManageQuotas,
    private readonly inside: InsideOrg,
    private readonly database: Database,
  ) {}

  @Get()
  @Allow('team.view')
  @Answers(200, quotaList, 'Lists the ceilings of a team')
  async list(
    @Who() caller: Principal,
    @Param('org', { schema: rowId }) org: number,
    @Param('team', { schema: rowId }) team: number,
  ): Promise<z.infer<typeof quotaList>> {
    await this.inside.team(caller, org, team);
    return quotaListView(await quotas.ofSubjects(this.database, [ofTeam(team)]));
  }

  @Post()
  @Allow('team.view')
  @Answers(201, quotaSchema, 'Sets a ceiling of a team, not above the organization’s; needs admin.config')
  async set(
    @Who() caller: Principal,
    @Param('org', { schema: rowId }) org: number,
    @Param('team', { schema: rowId }) team: number,
    @Body({ schema: limitBody }) body: z.infer<typeof limitBody>,
  ): Promise<z.infer<typeof quotaSchema>> {
    return quotaView(await this.manage.setOfTeam(caller, org, team, limitOf(body)));
  }

  @Delete(':quota_type')
  @Allow('team.view')
  @Answers(200, success, 'Takes a ceiling of a team away; needs admin.config')
  async remove(
    @Who() caller: Principal,
    @Param('org', { schema: rowId }) org: number,
    @Param('team', { schema: rowId }) team: number,
    @Param('quota_type', { schema: quotaType }) type: QuotaType,
  ): Promise<z.infer<typeof success>> {
    await this.manage.removeOfTeam(caller, org, team, type);
    return { success: true };
  }
}
