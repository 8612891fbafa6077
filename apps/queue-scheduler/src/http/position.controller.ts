import { Controller, Get, Param } from '@nestjs/common';
import { Allow, canFor, Who } from '@lineclear/access';
import { fields, JOB_STATES, type Principal } from '@lineclear/contracts';
import { Answers, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import * as jobs from '../db/jobs.repo.js';
import { isInLine } from '../domain/job.js';
import { Forecasts } from '../line/forecasts.js';
import { etaView, viewEta } from './eta-view.js';

const shown = z.object({
  job_id: fields.jobId,
  position: z.int().nullable(),
  status: z.enum(JOB_STATES),
  priority: z.int(),
  queued_at: fields.instant.nullable(),
  /** Until p50. */
  estimated_wait_seconds: z.int().nullable(),
  eta: etaView,
});

/** Where a job stands. */
@Controller('api/queue/position')
export class PositionController {
  constructor(
    private readonly database: Database,
    private readonly forecasts: Forecasts,
  ) {}

  @Get(':job')
  @Allow('job.view.own')
  @Answers(200, shown, 'Shows as which job of the queue a job starts, and when')
  async position(
    @Param('job', { schema: fields.jobId }) id: string,
    @Who() who: Principal,
  ): Promise<z.input<typeof shown>> {
    const [job] = await jobs.find(this.database, [id]);
    if (!job || !canFor(who, 'job.view', job)) throw new NotFound('job', id);
    const said = {
      job_id: id,
      status: job.state,
      priority: job.band,
      queued_at: job.queuedAt?.toISOString() ?? null,
    };
    if (!isInLine(job)) return { ...said, position: null, estimated_wait_seconds: null, eta: null };
    const forecast = await this.forecasts.current([id]);
    const eta = forecast.eta(id);
    this.forecasts.tell(id, eta);
    const waitMs = eta.p50Ms === null ? null : eta.p50Ms - forecast.snapshot.atMs;
    return {
      ...said,
      position: eta.position,
      estimated_wait_seconds: waitMs === null ? null : Math.ceil(waitMs / 1_000),
      eta: viewEta(eta, forecast),
    };
  }
}
