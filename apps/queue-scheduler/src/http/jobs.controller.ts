import { Controller, Get, Param, Query } from '@nestjs/common';
import { Allow, canFor, jobsSeenBy, Who } from '@lineclear/access';
import { approvalNeed, fields, JOB_STATES, type Principal } from '@lineclear/contracts';
import { Answers, Clock, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import * as jobs from '../db/jobs.repo.js';
import { standingOf } from '../db/queue.repo.js';
import { isInLine, type Job } from '../domain/job.js';
import { timeline } from '../domain/timeline.js';
import { WAIT_REASONS, waitOf, type Wait } from '../domain/waits-for.js';
import { Forecasts } from '../line/forecasts.js';
import { etaView, viewEta } from './eta-view.js';
import { jobView, viewJob } from './job-view.js';

const listQuery = z.strictObject({
  status: z.enum(JOB_STATES).optional(),
  provider: fields.provider.optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50),
  cursor: fields.jobId.optional(),
});
/** What a job waits for, in words and as a reason with the limit that keeps it; null where it waits for nothing. */
const shownWait = {
  waits_for: z.string().nullable(),
  waiting: z.object({ reason: z.enum(WAIT_REASONS), limit: z.string().nullable() }).nullable(),
};
const shownJob = jobView.extend({
  ...shownWait,
  position: z.int().nullable(),
  eta: etaView,
  config: z.record(z.string(), z.unknown()),
});
const step = z.object({
  status: z.string(),
  at: fields.instant,
  after_seconds: z.number(),
  by: fields.username.nullable(),
  attempt: z.int().nullable(),
  why: z.string().nullable(),
});
const shownTimeline = z.object({
  job_id: fields.jobId,
  status: z.enum(JOB_STATES),
  ...shownWait,
  approval: approvalNeed.nullable(),
  steps: z.array(step),
});

/** Jobs, one's own or, with job.view.all, everyone's in the organisation. */
@Controller('api/cloud/jobs')
export class JobsController {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly forecasts: Forecasts,
  ) {}

  @Get()
  @Allow('job.view.own')
  @Answers(
    200,
    z.object({ jobs: z.array(jobView), total: z.int(), next_cursor: fields.jobId.optional() }),
    'Lists jobs, newest first',
  )
  async list(
    @Query({ schema: listQuery }) query: z.infer<typeof listQuery>,
    @Who() who: Principal,
  ): Promise<object> {
    const filter = {
      ...jobsSeenBy(who),
      state: query.status,
      provider: query.provider,
    };
    const { jobs: found, total } = await jobs.page(this.database, filter, query.limit, query.cursor);
    const last = found.at(-1);
    return {
      jobs: found.map(viewJob),
      total,
      ...(found.length === query.limit && last ? { next_cursor: last.id } : {}),
    };
  }

  @Get(':id')
  @Allow('job.view.own')
  @Answers(200, shownJob, 'Shows a job, what it waits for, and when it is expected to start')
  async show(@Param('id', { schema: fields.jobId }) id: string, @Who() who: Principal): Promise<object> {
    const job = await this.#visible(id, who);
    const forecast = isInLine(job) ? await this.forecasts.current([id]) : undefined;
    const eta = forecast?.eta(id);
    if (eta) this.forecasts.tell(id, eta);
    const position = eta?.position ?? null;
    return {
      ...viewJob(job),
      ...viewWait(await this.#waitOf(job, position)),
      position,
      eta: forecast && eta ? viewEta(eta, forecast) : null,
      config: job.config,
    };
  }

  @Get(':id/timeline')
  @Allow('job.view.own')
  @Answers(
    200,
    shownTimeline,
    'Shows when a job came to where, by whose doing and why, and what it waits for now',
  )
  async steps(
    @Param('id', { schema: fields.jobId }) id: string,
    @Who() who: Principal,
  ): Promise<z.input<typeof shownTimeline>> {
    const job = await this.#visible(id, who);
    const steps = timeline(job).map(({ at, afterSeconds, ...said }) => ({
      ...said,
      at: at.toISOString(),
      after_seconds: afterSeconds,
    }));
    return {
      job_id: job.id,
      status: job.state,
      ...viewWait(await this.#waitOf(job, await this.#positionOf(job))),
      approval: job.approval,
      steps,
    };
  }

  async #positionOf(job: Job): Promise<number | null> {
    return isInLine(job) ? (await this.forecasts.current([job.id])).eta(job.id).position : null;
  }

  async #waitOf(job: Job, position: number | null): Promise<Wait | null> {
    const now = this.clock.now();
    const standing = job.state === 'queued' ? await standingOf(this.database, job.id, now) : undefined;
    return waitOf(job, standing && { ...standing, position }, now);
  }

  async #visible(id: string, who: Principal): Promise<Job> {
    const [job] = await jobs.find(this.database, [id]);
    if (!job || !canFor(who, 'job.view', job)) throw new NotFound('job', id);
    return job;
  }
}

const viewWait = (wait: Wait | null) => ({
  waits_for: wait?.text ?? null,
  waiting: wait && { reason: wait.reason, limit: wait.limit },
});
