import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { Allow, audited, differences, jobsSeenBy, Who, type Reach } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { fields, JOB_STATES, type JobState, type Principal } from '@lineclear/contracts';
import { Answers, Clock, Database } from '@lineclear/kit';
import { z } from 'zod';
import * as queue from '../db/queue.repo.js';
import * as slots from '../db/slots.repo.js';
import { bandName } from '../domain/band.js';
import { Forecasts, type Forecast } from '../line/forecasts.js';
import { Wakes } from '../line/wakes.js';
import { etaView, viewEta } from './eta-view.js';
import { ceiling } from './limit-fields.js';

const HOUR_MS = 3_600_000;
const MAX_OWN_WAITING = 10;
const MAX_OWN_RUNNING = 500;
const limitsBody = z
  .strictObject({ max_concurrent: ceiling.optional(), user_max_concurrent: ceiling.optional() })
  .refine((body) => Object.keys(body).length > 0, 'names no limit to change');
const limitsView = z.object({ max_concurrent: z.int(), user_max_concurrent: z.int() });
const entry = z.object({
  job_id: fields.jobId,
  user_id: fields.userId,
  username: fields.username,
  provider: fields.provider,
  config_name: fields.configName,
  status: z.enum(JOB_STATES),
  priority: z.int(),
  priority_name: z.string(),
  position: z.int().nullable(),
  eta: etaView,
  queued_at: fields.instant.nullable(),
  submitted_at: fields.instant,
  estimated_cost: fields.costUsd,
});
const listQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(500).default(100) });
const list = z.object({ entries: z.array(entry), total_pending: z.int(), total_running: z.int() });
const stats = limitsView.extend({
  by_status: z.record(z.string(), z.int()),
  by_user: z.array(z.object({ user_id: z.int(), username: z.string(), pending: z.int(), running: z.int() })),
  queue_depth: z.int(),
  running: z.int(),
  avg_wait_seconds: z.number(),
});
const mine = z.object({
  pending_count: z.int(),
  running_count: z.int(),
  blocked_count: z.int(),
  best_position: z.int().nullable(),
  pending_jobs: z.array(entry),
  running_jobs: z.array(entry),
});

const RUNNING: readonly JobState[] = ['dispatching', 'running', 'cancelling'];
const BLOCKED: readonly JobState[] = ['awaiting_evaluation', 'pending_approval'];
const sum = (counts: ReadonlyMap<JobState, number>, states: readonly JobState[]): number =>
  states.reduce((total, state) => total + (counts.get(state) ?? 0), 0);

/** The queue: who waits where, who runs, and the ceilings. */
@Controller('api/queue')
export class QueueController {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly wakes: Wakes,
    private readonly clock: Clock,
    private readonly forecasts: Forecasts,
  ) {}

  @Get()
  @Allow('job.view.own')
  @Answers(
    200,
    list,
    'Lists the jobs that have not ended, in the order in which they are expected to start; all with job.view.all, otherwise your own',
  )
  async entries(
    @Query({ schema: listQuery }) { limit }: z.infer<typeof listQuery>,
    @Who() who: Principal,
  ): Promise<z.input<typeof list>> {
    const reach = jobsSeenBy(who);
    const [found, counts] = await Promise.all([
      this.#entries(reach, limit),
      queue.countLive(this.database, reach),
    ]);
    return {
      entries: found,
      total_pending: sum(counts, ['queued', ...BLOCKED]),
      total_running: sum(counts, RUNNING),
    };
  }

  @Get('stats')
  @Allow('job.view.all')
  @Answers(200, stats, 'Sums up the queue')
  async stats(@Who() who: Principal): Promise<z.input<typeof stats>> {
    const reach = jobsSeenBy(who);
    const [counts, byUser, limits, waitSeconds] = await Promise.all([
      queue.countByState(this.database, reach),
      queue.countByUser(this.database, reach, 200),
      slots.limits(this.database),
      queue.meanWaitSeconds(this.database, new Date(this.clock.now().getTime() - HOUR_MS)),
    ]);
    return {
      by_status: Object.fromEntries(JOB_STATES.map((state) => [state, counts.get(state) ?? 0])),
      by_user: byUser,
      queue_depth: counts.get('queued') ?? 0,
      running: sum(counts, RUNNING),
      avg_wait_seconds: waitSeconds,
      ...limits,
    };
  }

  @Get('me')
  @Allow('job.view.own')
  @Answers(200, mine, 'Shows your own part of the queue')
  async me(@Who() who: Principal): Promise<z.input<typeof mine>> {
    const reach = { userId: who.user_id };
    const [waiting, running, counts] = await Promise.all([
      this.#entries(reach, MAX_OWN_WAITING, ['queued', ...BLOCKED]),
      this.#entries(reach, MAX_OWN_RUNNING, RUNNING),
      queue.countLive(this.database, reach),
    ]);
    return {
      pending_count: counts.get('queued') ?? 0,
      running_count: sum(counts, RUNNING),
      blocked_count: sum(counts, BLOCKED),
      best_position: waiting[0]?.position ?? null,
      pending_jobs: waiting,
      running_jobs: running,
    };
  }

  @Get('concurrency')
  @Allow('job.view.own')
  @Answers(200, limitsView, 'Shows how many jobs may run at once, in all and per user')
  async limits(): Promise<slots.Limits> {
    return slots.limits(this.database);
  }

  @Post('concurrency')
  @Allow('queue.manage')
  @Answers(200, limitsView, 'Sets how many jobs may run at once; what runs already goes on')
  async setLimits(@Body({ schema: limitsBody }) body: z.infer<typeof limitsBody>): Promise<slots.Limits> {
    const limits = await this.database.tx(async (tx) => {
      await slots.enter(tx);
      const before = await slots.limits(tx);
      const after = await slots.setLimits(tx, body as Partial<slots.Limits>);
      const details = differences(before, after, ['max_concurrent', 'user_max_concurrent']);
      await this.bus.publish(tx, audited('queue.limits_changed', { target: 'queue/limits', details }));
      return after;
    });
    this.wakes.wake();
    return limits;
  }

  async #entries(
    reach: Reach,
    limit: number,
    states?: readonly JobState[],
  ): Promise<z.input<typeof entry>[]> {
    const read = (by: Forecast): Promise<queue.Entry[]> =>
      queue.entries(this.database, reach, limit, by.first(reach, limit), states);
    let forecast = await this.forecasts.current();
    let found = await read(forecast);
    const unknown = found.flatMap((one) => (one.is_in_line && !forecast.knows(one.id) ? [one.id] : []));
    if (unknown.length > 0) {
      forecast = await this.forecasts.current(unknown);
      found = await read(forecast);
    }
    return found.map((one) => viewEntry(one, forecast));
  }
}

const viewEntry = (found: queue.Entry, forecast: Forecast): z.input<typeof entry> => {
  const eta = found.is_in_line ? forecast.eta(found.id) : null;
  return {
    job_id: found.id,
    user_id: found.user_id,
    username: found.username,
    provider: found.provider,
    config_name: found.config_name,
    status: found.state,
    priority: found.band,
    priority_name: bandName(found.level, found.band),
    position: eta?.position ?? null,
    eta: eta && viewEta(eta, forecast),
    queued_at: found.queued_at?.toISOString() ?? null,
    submitted_at: found.submitted_at.toISOString(),
    estimated_cost: found.estimated_cost_usd,
  };
};
