import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, Database } from '@lineclear/kit';
import type { z } from 'zod';
import * as orgs from '../db/orgs.repo.js';
import { isStaff } from '../domain/team-rights.js';
import { InsideOrg } from '../orgs/inside-org.js';
import { ManageOrgs } from '../orgs/manage-orgs.js';
import { rowId } from './fields.js';
import {
  describedBody,
  describedPatch,
  nextCursor,
  oneOrg,
  orgList,
  orgView,
  pageOf,
  pageQuery,
  success,
} from './org-fields.js';

/** Organisations: to those who belong to one, it is the only one there is. */
@Controller('api/orgs')
export class OrgsController {
  constructor(
    private readonly manage: ManageOrgs,
    private readonly inside: InsideOrg,
    private readonly database: Database,
  ) {}

  @Get()
  @Allow('org.view')
  @Answers(200, orgList, 'Lists organizations by id: all of them, or the caller’s own')
  async list(
    @Who() caller: Principal,
    @Query({ schema: pageQuery }) query: z.infer<typeof pageQuery>,
  ): Promise<z.infer<typeof orgList>> {
    const only = isStaff(caller) ? undefined : caller.org?.id;
    if (!isStaff(caller) && only === undefined) return { organizations: [], total: 0 };
    const { rows, total } = await orgs.page(this.database, { ...pageOf(query), only });
    const ids = rows.map(({ id }) => id);
    return { organizations: rows.map(orgView), total, ...nextCursor(ids, query) };
  }

  @Post()
  @Allow('org.create')
  @Answers(201, oneOrg, 'Makes an organization')
  async create(
    @Who() caller: Principal,
    @Body({ schema: describedBody }) body: z.infer<typeof describedBody>,
  ): Promise<z.infer<typeof oneOrg>> {
    return { organization: orgView(await this.manage.create(caller, body)) };
  }

  @Get(':org')
  @Allow('org.view')
  @Answers(200, oneOrg, 'Shows an organization')
  async get(
    @Who() caller: Principal,
    @Param('org', { schema: rowId }) id: number,
  ): Promise<z.infer<typeof oneOrg>> {
    return { organization: orgView(await this.inside.org(caller, id)) };
  }

  @Patch(':org')
  @Allow('org.view')
  @Answers(200, oneOrg, 'Changes what is said of an organization; needs org.create')
  async change(
    @Who() caller: Principal,
    @Param('org', { schema: rowId }) id: number,
    @Body({ schema: describedPatch }) body: z.infer<typeof describedPatch>,
  ): Promise<z.infer<typeof oneOrg>> {
    return { organization: orgView(await this.manage.change(caller, id, body)) };
  }

  @Delete(':org')
  @Allow('org.view')
  @Answers(200, success, 'Removes an organization that has no members and no teams; needs org.create')
  async remove(
    @Who() caller: Principal,
    @Param('org', { schema: rowId }) id: number,
  ): Promise<z.infer<typeof success>> {
    await this.manage.remove(caller, id);
    return { success: true };
  }
}
