import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { Allow, audited, compileGlob, GlobError, Who } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import type { Principal } from '@lineclear/contracts';
import { Answers, BadInput, Clock, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import { findChannel } from '../db/channels.repo.js';
import type { SilenceRow } from '../db/silence.entity.js';
import { countSilences, endSilence, findSilence, insertSilence, listSilences } from '../db/silences.repo.js';
import { typesOf } from '../domain/event-catalogue.js';
import { CurrentRoutes } from '../routing/current-routes.js';
import { idParam, pageQuery, type Page } from './page.js';

const MAX_DAYS = 90;
const MAX_ID = 2_147_483_647;

const glob = z
  .string()
  .min(1)
  .max(200)
  .superRefine((text, context) => {
    try {
      compileGlob('name', text);
    } catch (error) {
      if (!(error instanceof GlobError)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
    }
  });
const matchers = z
  .strictObject({
    event_type: z
      .string()
      .max(80)
      .refine((text) => typesOf(text).length > 0, 'is not an event, nor * or a category as job.*'),
    job_id: glob,
    config_name: glob,
    user_id: z.int().min(1).max(MAX_ID),
    team_id: z.int().min(1).max(MAX_ID),
    channel_id: z.int().min(1).max(MAX_ID),
  })
  .partial()
  .refine((given) => Object.keys(given).length > 0, 'needs one at least; event_type * is everything');
const newSilence = z.strictObject({
  matchers,
  reason: z.string().trim().min(1).max(500),
  starts_at: z.iso.datetime({ offset: true }).optional(),
  ends_at: z.iso.datetime({ offset: true }),
});

const STATES = ['pending', 'active', 'ended'] as const;
const silenceAnswer = z.object({
  id: z.int(),
  state: z.enum(STATES),
  matchers: z.object({
    event_type: z.string().optional(),
    job_id: z.string().optional(),
    config_name: z.string().optional(),
    user_id: z.int().optional(),
    team_id: z.int().optional(),
    channel_id: z.int().optional(),
  }),
  reason: z.string(),
  starts_at: z.iso.datetime(),
  ends_at: z.iso.datetime(),
  created_by: z.string(),
  ended_by: z.string().optional(),
  created_at: z.iso.datetime(),
});
const silencesAnswer = z.object({
  silences: z.array(silenceAnswer),
  total: z.int(),
  next_cursor: z.int().optional(),
});

const show = (row: SilenceRow, now: Date): z.infer<typeof silenceAnswer> => ({
  id: row.id,
  state: row.ends_at <= now ? 'ended' : row.starts_at > now ? 'pending' : 'active',
  matchers: {
    event_type: row.matchers.eventType,
    job_id: row.matchers.jobId,
    config_name: row.matchers.configName,
    user_id: row.matchers.userId,
    team_id: row.matchers.teamId,
    channel_id: row.matchers.channelId,
  },
  reason: row.reason,
  starts_at: row.starts_at.toISOString(),
  ends_at: row.ends_at.toISOString(),
  created_by: row.created_by,
  ...(row.ended_by === null ? {} : { ended_by: row.ended_by }),
  created_at: row.created_at.toISOString(),
});

/** What nobody is told of for a while, as somebody works on it already. */
@Controller('api/cloud/notifications/silences')
export class SilencesController {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly routes: CurrentRoutes,
    private readonly clock: Clock,
  ) {}

  @Get()
  @Allow('admin.config')
  @Answers(200, silencesAnswer, 'Lists the silences, those that have ended among them')
  async list(@Query({ schema: pageQuery }) { limit, cursor }: Page): Promise<z.infer<typeof silencesAnswer>> {
    const rows = await listSilences(this.database, limit, cursor);
    const last = rows.at(-1);
    return {
      silences: rows.map((row) => show(row, this.clock.now())),
      total: await countSilences(this.database),
      ...(last && rows.length === limit ? { next_cursor: last.id } : {}),
    };
  }

  @Get(':id')
  @Allow('admin.config')
  @Answers(200, silenceAnswer, 'Shows a silence')
  async show(@Param('id', { schema: idParam }) id: number): Promise<z.infer<typeof silenceAnswer>> {
    const row = await findSilence(this.database, id);
    if (!row) throw new NotFound('silence', id);
    return show(row, this.clock.now());
  }

  @Post()
  @Allow('admin.config')
  @Answers(201, silenceAnswer, 'Keeps what it matches from everybody, for a while')
  async add(
    @Body({ schema: newSilence }) body: z.infer<typeof newSilence>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof silenceAnswer>> {
    const now = this.clock.now();
    const starts_at = body.starts_at === undefined ? now : new Date(body.starts_at);
    const ends_at = new Date(body.ends_at);
    if (ends_at <= now) throw BadInput.at('ends_at', 'is over');
    if (ends_at <= starts_at) throw BadInput.at('ends_at', 'is not behind starts_at');
    if (ends_at.getTime() - starts_at.getTime() > MAX_DAYS * 86_400_000)
      throw BadInput.at('ends_at', `is more than ${MAX_DAYS} days behind starts_at`);
    const { event_type, job_id, config_name, user_id, team_id, channel_id } = body.matchers;
    return this.database.tx(async (tx) => {
      await this.routes.changedIn(tx);
      if (channel_id !== undefined && !(await findChannel(tx, channel_id)))
        throw BadInput.at('matchers.channel_id', `there is no channel ${channel_id}`);
      const row = await insertSilence(tx, {
        matchers: {
          eventType: event_type,
          jobId: job_id,
          configName: config_name,
          userId: user_id,
          teamId: team_id,
          channelId: channel_id,
        },
        reason: body.reason,
        starts_at,
        ends_at,
        created_by_id: who.user_id,
        created_by: who.username,
      });
      const details = {
        ...body.matchers,
        reason: body.reason,
        starts_at: starts_at.toISOString(),
        ends_at: ends_at.toISOString(),
      };
      await this.bus.publish(tx, audited('silence.created', { target: `silence/${row.id}`, details }));
      return show(row, now);
    });
  }

  @Delete(':id')
  @Allow('admin.config')
  @Answers(204, null, 'Ends a silence now; it stays in the list')
  async end(@Param('id', { schema: idParam }) id: number, @Who() who: Principal): Promise<void> {
    await this.database.tx(async (tx) => {
      await this.routes.changedIn(tx);
      if (!(await endSilence(tx, id, who.username, this.clock.now())))
        throw new NotFound('silence that has not ended', id);
      await this.bus.publish(tx, audited('silence.ended', { target: `silence/${id}` }));
    });
  }
}
