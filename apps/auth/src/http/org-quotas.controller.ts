import { Body, Controller, Delete, Get, Param, Post } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import type { Principal, QuotaType } from '@lineclear/contracts';
import { Answers, Database } from '@lineclear/kit';
import type { z } from 'zod';
import * as quotas from '../db/quotas.repo.js';
import { InsideOrg } from '../orgs/inside-org.js';
import { ManageQuotas, ofOrg } from '../orgs/manage-quotas.js';
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

/** The ceilings over all that the people of an organisation use together. */
@Controller('api/orgs/:org/quotas')
export class OrgQuotasController {
  constructor(
    private readonly manage: ManageQuotas,
    private readonly inside: InsideOrg,
    private readonly database: Database,
  ) {}

  @Get()
  @Allow('org.view')
  @Answers(200, quotaList, 'Lists the ceilings of an organization')
  async list(
    @Who() caller: Principal,
    @Param('org', { schema: rowId }) org: number,
  ): Promise<z.infer<typeof quotaList>> {
    await this.inside.org(caller, org);
    return quotaListView(await quotas.ofSubjects(this.database, [ofOrg(org)]));
  }

  @Post()
  @Allow('org.view')
  @Answers(
    201,
    quotaSchema,
    'Sets a ceiling of an organization, in place of the one of its type; needs admin.config',
  )
  async set(
    @Who() caller: Principal,
    @Param('org', { schema: rowId }) org: number,
    @Body({ schema: limitBody }) body: z.infer<typeof limitBody>,
  ): Promise<z.infer<typeof quotaSchema>> {
    return quotaView(await this.manage.setOfOrg(caller, org, limitOf(body)));
  }

  @Delete(':quota_type')
  @Allow('org.view')
  @Answers(200, success, 'Takes a ceiling of an organization away; needs admin.config')
  async remove(
    @Who() caller: Principal,
    @Param('org', { schema: rowId }) org: number,
    @Param('quota_type', { schema: quotaType }) type: QuotaType,
  ): Promise<z.infer<typeof success>> {
    await this.manage.removeOfOrg(caller, org, type);
    return { success: true };
  }
}
