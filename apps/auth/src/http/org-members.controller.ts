import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, Database } from '@lineclear/kit';
import type { z } from 'zod';
import * as members from '../db/members.repo.js';
import { InsideOrg } from '../orgs/inside-org.js';
import { ManageMembers } from '../orgs/manage-members.js';
import { rowId } from './fields.js';
import {
  memberBody,
  nextCursor,
  oneOrgMember,
  orgMemberList,
  orgMemberView,
  pageOf,
  pageQuery,
  success,
} from './org-fields.js';

/** Who belongs to an organisation. */
@Controller('api/orgs/:org/members')
export class OrgMembersController {
  constructor(
    private readonly manage: ManageMembers,
    private readonly inside: InsideOrg,
    private readonly database: Database,
  ) {}

  @Get()
  @Allow('org.view')
  @Answers(200, orgMemberList, 'Lists the people of an organization by id')
  async list(
    @Who() caller: Principal,
    @Param('org', { schema: rowId }) org: number,
    @Query({ schema: pageQuery }) query: z.infer<typeof pageQuery>,
  ): Promise<z.infer<typeof orgMemberList>> {
    await this.inside.org(caller, org);
    const { rows, total } = await members.pageOfOrg(this.database, org, pageOf(query));
    const ids = rows.map(({ user_id }) => user_id);
    return { members: rows.map(orgMemberView), total, ...nextCursor(ids, query) };
  }

  @Post()
  @Allow('org.view')
  @Answers(201, oneOrgMember, 'Adds a person who belongs to no organization yet; needs org.create')
  async add(
    @Who() caller: Principal,
    @Param('org', { schema: rowId }) org: number,
    @Body({ schema: memberBody }) body: z.infer<typeof memberBody>,
  ): Promise<z.infer<typeof oneOrgMember>> {
    return { member: orgMemberView(await this.manage.addToOrg(caller, org, body.user_id)) };
  }

  @Delete(':user')
  @Allow('org.view')
  @Answers(200, success, 'Takes a person out of an organization and all its teams; needs org.create')
  async remove(
    @Who() caller: Principal,
    @Param('org', { schema: rowId }) org: number,
    @Param('user', { schema: rowId }) user: number,
  ): Promise<z.infer<typeof success>> {
    await this.manage.removeFromOrg(caller, org, user);
    return { success: true };
  }
}
