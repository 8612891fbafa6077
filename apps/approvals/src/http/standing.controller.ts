import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { Allow, audited, tenantOf, Who } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { fields, type Principal } from '@lineclear/contracts';
import { Answers, BadInput, Clock, Conflict, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import {
  countStandingNow,
  insertStanding,
  listStanding,
  revokeStanding,
} from '../db/standing-approvals.repo.js';
import { compileGlob, compilePattern } from '../domain/pattern.js';
import { CAP_PERIODS, leftOf, type StandingApproval } from '../domain/standing-approval.js';
import { timeSpan } from './time-span.js';

const MAX_DAYS = 366;
/** Each is looked at for each job that is held. */
const MAX_IN_FORCE = 500;

const rowId = z.int().min(1).max(2_147_483_647);
const usd = z.number().gt(0).max(1_000_000_000);
const compilesBy = (compile: (text: string) => unknown) => (text: string) => {
  try {
    compile(text);
    return true;
  } catch {
    return false;
  }
};
const pattern = z.string().trim().min(1).max(200);
const newStanding = z.strictObject({
  user_id: rowId.optional(),
  team_id: rowId.optional(),
  org_id: rowId.optional(),
  provider: fields.provider.optional(),
  config_pattern: pattern.refine(compilesBy(compilePattern), 'is not a pattern').optional(),
  hardware_pattern: pattern.refine(compilesBy(compileGlob), 'is not a glob').optional(),
  max_job_usd: usd.optional(),
  cap_usd: usd,
  per: z.enum(CAP_PERIODS).default('once'),
  starts_at: z.iso.datetime({ offset: true }).optional(),
  ends_at: z.iso.datetime({ offset: true }),
  reason: z.string().trim().min(1).max(500),
});
const standingAnswer = z.object({
  id: z.int(),
  user_id: z.int().nullable(),
  team_id: z.int().nullable(),
  org_id: z.int().nullable(),
  provider: z.string().nullable(),
  config_pattern: z.string().nullable(),
  hardware_pattern: z.string().nullable(),
  max_job_usd: z.number().nullable(),
  cap_usd: z.number(),
  per: z.enum(CAP_PERIODS),
  /** Of the sum, at this moment. */
  left_usd: z.number(),
  starts_at: z.iso.datetime(),
  ends_at: z.iso.datetime(),
  revoked_at: z.iso.datetime().nullable(),
  reason: z.string(),
  granted_by_id: z.int(),
  granted_by: z.string(),
  created_at: z.iso.datetime(),
});
type Answer = z.infer<typeof standingAnswer>;
const listAnswer = z.object({ standing_approvals: z.array(standingAnswer), next_cursor: z.int().optional() });
const listQuery = z.strictObject({
  active_only: z.enum(['true', 'false']).default('true'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.coerce.number().pipe(rowId).optional(),
});

/** What somebody who may approve says yes to in advance. */
@Controller('api/approvals/standing')
export class StandingController {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
  ) {}

  @Get()
  @Allow('admin.approve')
  @Answers(200, listAnswer, 'Lists standing approvals, newest first; those in force unless asked otherwise')
  async list(
    @Query({ schema: listQuery }) { active_only, limit, cursor }: z.infer<typeof listQuery>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof listAnswer>> {
    const now = this.clock.now();
    const filter = { tenantId: tenantOf(who), activeAt: active_only === 'true' ? now : undefined };
    const found = await listStanding(this.database, filter, { limit, before: cursor });
    const last = found.at(-1);
    return {
      standing_approvals: found.map((one) => show(one, now)),
      ...(last && found.length === limit ? { next_cursor: last.id } : {}),
    };
  }

  @Post()
  @Allow('admin.approve')
  @Answers(201, standingAnswer, 'Says yes in advance to jobs such as these, up to a sum and an end')
  async grant(
    @Body({ schema: newStanding }) body: z.infer<typeof newStanding>,
    @Who() who: Principal,
  ): Promise<Answer> {
    const now = this.clock.now();
    const { startsAt, endsAt } = timeSpan(body, now, MAX_DAYS);
    if (body.user_id === who.user_id) throw BadInput.at('user_id', 'is yourself: nobody decides their own');
    const standing = await this.database.tx(async (tx) => {
      if ((await countStandingNow(tx, now)) >= MAX_IN_FORCE)
        throw new Conflict(`${MAX_IN_FORCE} standing approvals are in force, and no more may be`);
      const granted = await insertStanding(tx, {
        covers: {
          userId: body.user_id ?? null,
          teamId: body.team_id ?? null,
          orgId: body.org_id ?? null,
          provider: body.provider ?? null,
          configPattern: body.config_pattern ?? null,
          hardwarePattern: body.hardware_pattern ?? null,
          maxJobUsd: body.max_job_usd ?? null,
        },
        capUsd: body.cap_usd,
        per: body.per,
        startsAt,
        endsAt,
        reason: body.reason,
        grantedById: who.user_id,
        grantedBy: who.username,
        createdAt: now,
        tenantId: tenantOf(who) ?? null,
      });
      const { id, left_usd: _, ...details } = show(granted, now);
      await this.bus.publish(
        tx,
        audited('standing_approval.granted', { target: `standing_approval/${id}`, details }),
      );
      return granted;
    });
    return show(standing, now);
  }

  @Delete(':id')
  @Allow('admin.approve')
  @Answers(200, standingAnswer, 'Takes a standing approval back, from the next job on')
  async revoke(
    @Param('id', { schema: z.coerce.number().pipe(rowId) }) id: number,
    @Who() who: Principal,
  ): Promise<Answer> {
    const now = this.clock.now();
    return this.database.tx(async (tx) => {
      const revoked = await revokeStanding(tx, id, tenantOf(who), now);
      if (!revoked) throw new NotFound('standing approval in force', id);
      const details = { left_usd: leftOf(revoked, now) };
      await this.bus.publish(
        tx,
        audited('standing_approval.revoked', { target: `standing_approval/${id}`, details }),
      );
      return show(revoked, now);
    });
  }
}

const show = (one: StandingApproval, now: Date): Answer => ({
  id: one.id,
  user_id: one.covers.userId,
  team_id: one.covers.teamId,
  org_id: one.covers.orgId,
  provider: one.covers.provider,
  config_pattern: one.covers.configPattern,
  hardware_pattern: one.covers.hardwarePattern,
  max_job_usd: one.covers.maxJobUsd,
  cap_usd: one.capUsd,
  per: one.per,
  left_usd: leftOf(one, now),
  starts_at: one.startsAt.toISOString(),
  ends_at: one.endsAt.toISOString(),
  revoked_at: one.revokedAt?.toISOString() ?? null,
  reason: one.reason,
  granted_by_id: one.grantedById,
  granted_by: one.grantedBy,
  created_at: one.createdAt.toISOString(),
});
