import { Body, Controller, Post } from '@nestjs/common';
import { Allow, canFor, jobsSeenBy, nothingChanged, Who } from '@lineclear/access';
import { fields, QUOTA_SCOPES, type Principal } from '@lineclear/contracts';
import { Answers, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import * as jobs from '../db/jobs.repo.js';
import { isInLine } from '../domain/job.js';
import type { Start } from '../domain/simulate.js';
import { sceneOf } from '../domain/snapshot.js';
import { changed, effectOf, type Change } from '../domain/what-if.js';
import { Forecasts } from '../line/forecasts.js';
import { ceiling, groupScope, ownSlots, poolAtMost, poolKind, poolName } from './limit-fields.js';

const MAX_JOBS = 50;
const settings = {
  max_concurrent: ceiling.optional(),
  user_max_concurrent: ceiling.optional(),
  pool: z
    .strictObject({
      kind: poolKind,
      name: poolName,
      at_most: poolAtMost,
      is_paused: z.boolean().default(false),
    })
    .optional(),
  /** A ceiling on jobs at once; null for none. */
  quota: z
    .strictObject({
      scope: z.enum(QUOTA_SCOPES),
      subject: z.string().min(1).max(40),
      concurrent_jobs: z.int().min(0).max(100_000).nullable(),
    })
    .optional(),
  guarantee: z.strictObject({ scope: groupScope, id: z.int().min(1), jobs: ownSlots }).optional(),
};
const body = z
  .strictObject({
    ...settings,
    /** The first to start, where none is named. */
    job_ids: z.array(fields.jobId).min(1).max(MAX_JOBS).optional(),
  })
  .refine((given) => Object.keys(settings).some((name) => name in given), 'names nothing to change');
const start = z.object({ position: z.int().nullable(), p50: fields.instant.nullable() });
const meanWait = z.int().nullable();
const answer = z.object({
  as_of: fields.instant,
  jobs: z.array(
    z.object({ job_id: fields.jobId, now: start, changed: start, later_by_seconds: z.int().nullable() }),
  ),
  total: z.object({
    jobs_starting: z.object({ now: z.int(), changed: z.int() }),
    mean_wait_seconds: z.object({ now: meanWait, changed: meanWait }),
    starts_earlier: z.int(),
    starts_later: z.int(),
  }),
});

/** What would be, were it set otherwise. */
@Controller('api/queue/what-if')
export class WhatIfController {
  constructor(
    private readonly database: Database,
    private readonly forecasts: Forecasts,
  ) {}

  @Post()
  @Allow('queue.manage')
  @Answers(
    200,
    answer,
    'Tells when jobs would start under other limits, quotas or guarantees; nothing is changed',
  )
  async whatIf(
    @Body({ schema: body }) { job_ids: named, ...given }: z.infer<typeof body>,
    @Who() who: Principal,
  ): Promise<z.input<typeof answer>> {
    nothingChanged();
    const forecast = await this.forecasts.current(named && (await this.#queued(named, who)));
    const { snapshot, calibration, likely: now } = forecast;
    const other = await this.forecasts.run(sceneOf(changed(snapshot, changeOf(given)), calibration, 'p50'));
    if (!other) throw new Error('a look ahead was ended by nobody');
    const { meanWaitSeconds, started, startsEarlier, startsLater } = effectOf(snapshot.atMs, now, other);
    return {
      as_of: new Date(snapshot.atMs).toISOString(),
      jobs: (named ?? forecast.first(jobsSeenBy(who), MAX_JOBS)).map((id) =>
        viewJob(id, now.starts.get(id), other.starts.get(id)),
      ),
      total: {
        jobs_starting: started,
        mean_wait_seconds: meanWaitSeconds,
        starts_earlier: startsEarlier,
        starts_later: startsLater,
      },
    };
  }

  /** Those that are in the queue. @throws NotFound when one of all is not for the caller to see. */
  async #queued(ids: readonly string[], who: Principal): Promise<string[]> {
    const found = new Map((await jobs.find(this.database, ids)).map((job) => [job.id, job]));
    return ids.filter((id) => {
      const job = found.get(id);
      if (!job || !canFor(who, 'job.view', job)) throw new NotFound('job', id);
      return isInLine(job);
    });
  }
}

function changeOf({ pool, quota, guarantee, ...limits }: Omit<z.infer<typeof body>, 'job_ids'>): Change {
  return {
    maxConcurrent: limits.max_concurrent,
    userMaxConcurrent: limits.user_max_concurrent,
    pool: pool && { kind: pool.kind, name: pool.name, atMost: pool.at_most, isPaused: pool.is_paused },
    quota: quota && { scope: quota.scope, subject: quota.subject, limit: quota.concurrent_jobs },
    guarantee: guarantee && { holder: `${guarantee.scope}:${guarantee.id}`, jobs: guarantee.jobs },
  };
}

const viewStart = (at: Start | undefined): z.input<typeof start> => ({
  position: at?.position ?? null,
  p50: at ? new Date(at.atMs).toISOString() : null,
});
const viewJob = (
  id: string,
  now: Start | undefined,
  other: Start | undefined,
): z.input<typeof answer>['jobs'][number] => ({
  job_id: id,
  now: viewStart(now),
  changed: viewStart(other),
  later_by_seconds: now && other ? Math.round((other.atMs - now.atMs) / 1_000) : null,
});
