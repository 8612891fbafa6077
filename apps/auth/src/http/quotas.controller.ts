import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { Allow, ChangesNothing, Who } from '@lineclear/access';
import { fields, levelName, QUOTA_ACTIONS, QUOTA_TYPES, type Principal } from '@lineclear/contracts';
import { Answers, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import * as quotas from '../db/quotas.repo.js';
import { UNITS } from '../domain/ceilings.js';
import { ManageQuotas, type Subject } from '../orgs/manage-quotas.js';
import { Standings } from '../orgs/standings.js';
import { bodyId, rowId } from './fields.js';
import { nextCursor, pageOf, pageQuery, success } from './org-fields.js';
import {
  limitFields,
  limitOf,
  quotaSchema,
  quotaType,
  quotaView,
  wholeWhereCounted,
} from './quota-fields.js';
import { estimateSchema, estimateView, personStandingSchema, personStandingView } from './standing-view.js';

const personalBody = z
  .strictObject({
    ...limitFields,
    user_id: bodyId.optional(),
    level: levelName.optional(),
    /** Another word for `level`. */
    level_id: levelName.optional(),
  })
  .superRefine(wholeWhereCounted)
  .superRefine(({ user_id, level: name, level_id }, context) => {
    if (name !== undefined && level_id !== undefined && name !== level_id)
      context.addIssue({ code: 'custom', path: ['level_id'], message: 'says another level than `level`' });
    if (user_id !== undefined && (name ?? level_id) !== undefined)
      context.addIssue({ code: 'custom', path: ['user_id'], message: 'is there beside a level' });
  });
const listQuery = pageQuery.extend({
  quota_type: quotaType.optional(),
  scope: z.enum(quotas.PERSONAL_SCOPES).optional(),
});
const list = z.object({ quotas: z.array(quotaSchema), total: z.int(), next_cursor: z.int().optional() });
const types = z.object({
  types: z.array(z.object({ quota_type: quotaType, unit: z.enum(Object.values(UNITS)) })),
  actions: z.array(z.enum(QUOTA_ACTIONS)),
  total: z.int(),
});
const estimateBody = z.strictObject({ estimated_cost: fields.costUsd });

/** What one person may use, by name, by level or as everyone, and what is left of it under all ceilings. */
@Controller('api/quotas')
export class QuotasController {
  constructor(
    private readonly manage: ManageQuotas,
    private readonly standings: Standings,
    private readonly database: Database,
  ) {}

  @Get()
  @Allow('admin.config')
  @Answers(
    200,
    list,
    'Lists the quotas of people, levels and everyone; those of organizations and teams are theirs',
  )
  async list(@Query({ schema: listQuery }) query: z.infer<typeof listQuery>): Promise<z.infer<typeof list>> {
    const { rows, total } = await quotas.personalPage(this.database, {
      ...pageOf(query),
      type: query.quota_type,
      scope: query.scope,
    });
    const ids = rows.map(({ id }) => id);
    return { quotas: rows.map(quotaView), total, ...nextCursor(ids, query) };
  }

  @Post()
  @Allow('admin.config')
  @Answers(
    201,
    quotaSchema,
    'Sets a quota of a person or a level, or of everyone, in place of the one of its type',
  )
  async set(
    @Who() caller: Principal,
    @Body({ schema: personalBody }) body: z.infer<typeof personalBody>,
  ): Promise<z.infer<typeof quotaSchema>> {
    return quotaView(await this.manage.setPersonal(caller, subjectOf(body), limitOf(body)));
  }

  // Before `:id`, which would take these words for one.
  @Get('types')
  @Allow()
  @Answers(200, types, 'Lists what quotas may limit, and what may happen to a job beyond')
  types(): z.infer<typeof types> {
    return {
      types: QUOTA_TYPES.map((type) => ({ quota_type: type, unit: UNITS[type] })),
      actions: [...QUOTA_ACTIONS],
      total: QUOTA_TYPES.length,
    };
  }

  @Get('me')
  @Allow()
  @Answers(200, personStandingSchema, 'Shows what the caller may still use, in each of their teams')
  async me(@Who() caller: Principal): Promise<z.infer<typeof personStandingSchema>> {
    return personStandingView(await this.standings.of(caller.user_id));
  }

  @Get('user/:id')
  @Allow('admin.users')
  @Answers(200, personStandingSchema, 'Shows what a person may still use, in each of their teams')
  async user(@Param('id', { schema: rowId }) id: number): Promise<z.infer<typeof personStandingSchema>> {
    return personStandingView(await this.standings.of(id));
  }

  @Post('cost-estimate')
  @ChangesNothing()
  @Allow()
  @Answers(200, estimateSchema, 'Says what a job of this cost would make of the caller’s ceilings on costs')
  async estimate(
    @Who() caller: Principal,
    @Body({ schema: estimateBody }) body: z.infer<typeof estimateBody>,
  ): Promise<z.infer<typeof estimateSchema>> {
    return estimateView(body.estimated_cost, await this.standings.of(caller.user_id));
  }

  @Get(':id')
  @Allow('admin.config')
  @Answers(200, quotaSchema, 'Shows a quota')
  async get(@Param('id', { schema: rowId }) id: number): Promise<z.infer<typeof quotaSchema>> {
    const quota = await quotas.personalById(this.database, id);
    if (!quota) throw new NotFound('quota', id);
    return quotaView(quota);
  }

  @Delete(':id')
  @Allow('admin.config')
  @Answers(200, success, 'Takes a quota away')
  async remove(
    @Who() caller: Principal,
    @Param('id', { schema: rowId }) id: number,
  ): Promise<z.infer<typeof success>> {
    await this.manage.removePersonal(caller, id);
    return { success: true };
  }
}

function subjectOf(body: z.infer<typeof personalBody>): Subject {
  if (body.user_id !== undefined) return { scope: 'user', subject: String(body.user_id) };
  const name = body.level ?? body.level_id;
  return name === undefined ? { scope: 'global', subject: '*' } : { scope: 'level', subject: name };
}
