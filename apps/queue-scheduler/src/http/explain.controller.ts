import { Controller, Get, Query } from '@nestjs/common';
import { Allow, canFor, isOfTenant, Who } from '@lineclear/access';
import { fields, isFinal, type Principal } from '@lineclear/contracts';
import { Answers, Conflict, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import * as jobs from '../db/jobs.repo.js';
import { STATE_WHYS, whyByState } from '../domain/explain-states.js';
import { whyBefore, WHYS, type Why } from '../domain/explain.js';
import type { Job } from '../domain/job.js';
import { Forecasts } from '../line/forecasts.js';

const query = z
  .strictObject({ job: fields.jobId, before: fields.jobId })
  .refine(({ job, before }) => job !== before, { path: ['before'], message: 'is the same job' });
/** Of a job that the caller does not see only that it is there. */
const side = z.object({ job_id: fields.jobId, username: fields.username.nullable() });
const explanation = z.object({
  job: side,
  before: side,
  goes_first: fields.jobId.nullable(),
  starts_at: fields.instant.nullable(),
  reason: z.enum([...WHYS, ...STATE_WHYS]),
  of: z.enum(['org', 'team', 'user']).nullable(),
  limit: z.string().nullable(),
  figures: z.record(z.string(), z.number()),
  text: z.string(),
});

/** Why one job starts before another. */
@Controller('api/queue/explain')
export class ExplainController {
  constructor(
    private readonly database: Database,
    private readonly forecasts: Forecasts,
  ) {}

  @Get()
  @Allow('job.view.own')
  @Answers(200, explanation, 'Tells which of two jobs starts first, and what decides that')
  async explain(
    @Query({ schema: query }) { job: one, before: other }: z.infer<typeof query>,
    @Who() who: Principal,
  ): Promise<z.input<typeof explanation>> {
    const both = await this.#find(one, other, who);
    const sees = (job: Job): boolean => canFor(who, 'job.view', job);
    const [job, before] = both.map((found) => ({
      job_id: found.id,
      username: sees(found) ? found.username : null,
    }));
    const told = { job: job!, before: before!, starts_at: null, of: null, limit: null, figures: {} };
    const byState = whyByState(...both);
    if (byState) {
      const { first, reason, text } = byState;
      return { ...told, goes_first: first?.id ?? null, reason, text };
    }
    const found = await this.#look(one, other);
    if (!found)
      return {
        ...told,
        goes_first: null,
        reason: 'neither',
        text: 'neither starts as far as anybody looks ahead',
      };
    const { first, atMs, why } = found;
    return {
      ...told,
      ...why,
      // Whose limit it is would tell who somebody is.
      limit: both.every(sees) || isOfMachines(why.limit) ? why.limit : null,
      text: both.every(sees) || isOfMachines(why.limit) ? why.text : why.text.split(': ')[0]!,
      goes_first: first,
      starts_at: new Date(atMs).toISOString(),
    };
  }

  /** Both jobs: of one's organisation, one of them at least one's own or for one to see. */
  async #find(one: string, other: string, who: Principal): Promise<[Job, Job]> {
    const found = new Map((await jobs.find(this.database, [one, other])).map((job) => [job.id, job]));
    const [first, second] = [one, other].map((id) => {
      const job = found.get(id);
      if (!job || !(canFor(who, 'job.view', job) || isOfTenant(who, job.orgId)))
        throw new NotFound('job', id);
      return job;
    }) as [Job, Job];
    if (!canFor(who, 'job.view', first) && !canFor(who, 'job.view', second)) throw new NotFound('job', one);
    for (const { id, state } of [first, second])
      if (isFinal(state)) throw new Conflict(`the job ${id} is ${state}`);
    return [first, second];
  }

  /** Looks ahead until one of both starts. */
  async #look(
    one: string,
    other: string,
  ): Promise<{ readonly first: string; readonly atMs: number; readonly why: Why } | undefined> {
    const { scene } = await this.forecasts.current([one, other]);
    const both = scene.choice.jobs.filter(({ id }) => id === one || id === other);
    let found: { first: string; atMs: number; why: Why } | undefined;
    await this.forecasts.run(scene, (step) => {
      const rest = both.filter((job) => job !== step.job);
      if (rest.length === both.length) return false;
      if (rest[0]) found = { first: step.job.id, atMs: step.line.moment.atMs, why: whyBefore(step, rest[0]) };
      return true;
    });
    return found;
  }
}

const isOfMachines = (limit: string | null): boolean =>
  limit === null || /^(?:provider|hardware):/.test(limit);
