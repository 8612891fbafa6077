import { Body, Controller, Get, Headers, Param, Post, Res } from '@nestjs/common';
import { Allow, audited, canFor, jobsSeenBy, Who } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { fields, isFinal, JOB_STATES, type JobState, type Principal } from '@lineclear/contracts';
import { Answers, BadInput, Database, NotAllowed, NotFound, validate, type Tx } from '@lineclear/kit';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import * as arrays from '../db/arrays.repo.js';
import * as slots from '../db/slots.repo.js';
import { filled, namesIn, pointsOf, type Point } from '../domain/array.js';
import { Moves, type About } from '../line/moves.js';
import { StoreSubmits } from '../line/store-submits.js';
import type { Keyed, Submission } from '../line/submission.js';
import { KEY_HEADER, submitBody, type SubmitBody } from './submit-body.js';
import { keyedOf, Submits, warningsOf, type Stored } from './submits.js';
import { oneKey } from './wanted.js';

const MAX_TASKS = 1_000;
const MAX_BYTES = 8 * 1_048_576;
const MAX_PARAMETERS = 20;

const value = z.union([z.string().max(1_000), z.number(), z.boolean()]);
const parameterName = z.string().regex(/^\w{1,60}$/, 'is no name of letters, digits and _');
const arrayBody = submitBody.extend({
  /** The values of each parameter; every combination is a job. In `config`, `{{name}}` stands for the value. */
  parameters: z
    .record(parameterName, z.array(value).min(1).max(MAX_TASKS))
    .refine((all) => Object.keys(all).length > 0, 'names no parameter')
    .refine((all) => Object.keys(all).length <= MAX_PARAMETERS, `has more than ${MAX_PARAMETERS} parameters`)
    .refine(
      (all) => Object.values(all).reduce((product, { length }) => product * length, 1) <= MAX_TASKS,
      `makes more than ${MAX_TASKS} jobs`,
    ),
  /** Of them no more than so many at once. */
  max_parallel: z.int().min(1).max(MAX_TASKS).optional(),
});
type ArrayBody = z.infer<typeof arrayBody>;

const arrayId = z.string().regex(/^arr_[0-9a-f]{32}$/, 'is no id of an array');
const task = z.object({
  index: z.int(),
  job_id: fields.jobId,
  parameters: z.record(z.string(), value),
  status: z.enum(JOB_STATES),
});
const accepted = z.object({
  array_id: arrayId,
  jobs: z.array(task),
  estimated_cost_usd: fields.costUsd,
  warnings: z.array(z.string()),
});
const shown = z.object({
  array_id: arrayId,
  config_name: fields.configName,
  total: z.int(),
  by_status: z.partialRecord(z.enum(JOB_STATES), z.int()),
  is_over: z.boolean(),
  cost_usd: fields.costUsd,
  estimated_cost_usd: fields.costUsd,
  jobs: z.array(task.extend({ cost_usd: fields.costUsd.nullable() })),
});
const cancelled = z.object({ array_id: arrayId, cancelled: z.int() });

/** Many jobs of one kind, of which each has its own values: a sweep over parameters. */
@Controller('api/cloud')
export class ArraysController {
  constructor(
    private readonly submits: Submits,
    private readonly store: StoreSubmits,
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly moves: Moves,
  ) {}

  @Post(':provider/arrays')
  @Allow('job.submit')
  @Answers(202, accepted, 'Submits a job for every combination of parameters: all of them, or none')
  async submit(
    @Param('provider', { schema: fields.provider }) provider: string,
    @Body({ schema: arrayBody }) body: ArrayBody,
    @Headers(KEY_HEADER) keyHeader: string | undefined,
    @Who() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.input<typeof accepted>> {
    const points = pointsOf(body.parameters);
    checkTemplate(body);
    const requests = requestsOf(provider, body, points, by, oneKey(body.idempotency_key, keyHeader));
    const outcomes = await this.#prepare(provider, requests, by, body.max_parallel).then(
      (submissions) => this.store.store(submissions, { all: true }),
      (refusal: unknown) =>
        this.submits.repeated(
          requests.map(({ keyed }) => keyed),
          refusal,
        ),
    );
    const refused = outcomes.find(({ kind }) => kind !== 'accepted' && kind !== 'repeated');
    const stored: Stored[] = [];
    for (const outcome of refused ? [refused] : outcomes)
      stored.push(await this.submits.stored(outcome, provider));
    const tasks = stored.map(({ job }) => job);
    const id = tasks[0]?.arrayId ?? '';
    void reply.header('location', `/api/cloud/arrays/${id}`);
    return {
      array_id: id,
      jobs: tasks.map((job, index) => ({
        index: job.arrayIndex ?? index,
        job_id: job.id,
        parameters: { ...job.parameters },
        status: job.state,
      })),
      estimated_cost_usd: tasks.reduce((sum, job) => sum + job.estimatedCostUsd, 0),
      warnings: [...new Set(stored.flatMap(warningsOf))],
    };
  }

  @Get('arrays/:id')
  @Allow('job.view.own')
  @Answers(200, shown, 'Shows how far the jobs of an array have come')
  async show(
    @Param('id', { schema: arrayId }) id: string,
    @Who() who: Principal,
  ): Promise<z.input<typeof shown>> {
    const tasks = await this.#tasks(id, who);
    const counts = new Map<JobState, number>();
    for (const { state } of tasks) counts.set(state, (counts.get(state) ?? 0) + 1);
    return {
      array_id: id,
      config_name: tasks[0]!.configName,
      total: tasks.length,
      by_status: Object.fromEntries(counts),
      is_over: tasks.every(({ state }) => isFinal(state)),
      cost_usd: tasks.reduce((sum, { costUsd }) => sum + (costUsd ?? 0), 0),
      estimated_cost_usd: tasks.reduce((sum, { estimatedCostUsd }) => sum + estimatedCostUsd, 0),
      jobs: tasks.map(({ index, jobId, parameters, state, costUsd }) => ({
        index,
        job_id: jobId,
        parameters: { ...parameters },
        status: state,
        cost_usd: costUsd,
      })),
    };
  }

  @Post('arrays/:id/cancel')
  @Allow()
  @Answers(202, cancelled, 'Cancels the jobs of an array that have not ended')
  async cancel(
    @Param('id', { schema: arrayId }) id: string,
    @Who() who: Principal,
  ): Promise<z.input<typeof cancelled>> {
    const tasks = await this.#tasks(id, who);
    if (tasks.some((job) => !canFor(who, 'job.cancel', job)))
      throw new NotAllowed('this needs the permission job.cancel of all of its jobs');
    const by = { user_id: who.user_id, username: who.username };
    const facts = tasks
      .filter(({ state }) => !isFinal(state))
      .map(({ jobId }): About => ({ jobId, fact: { kind: 'cancel_requested', by } }));
    await this.database.tx(async (tx: Tx) => {
      await slots.enter(tx);
      await this.moves.apply(tx, facts);
      const details = { user_id: tasks[0]!.userId, jobs: facts.length };
      await this.bus.publish(tx, audited('array.cancel_requested', { target: `array/${id}`, details }));
    });
    return { array_id: id, cancelled: facts.length };
  }

  async #prepare(
    provider: string,
    requests: readonly Request[],
    by: Principal,
    atOnce: number | undefined,
  ): Promise<Submission[]> {
    const submissions: Submission[] = [];
    for (const [index, { body, keyed, point }] of requests.entries()) {
      const submission = await this.submits.prepare(provider, body, by, keyed);
      const first = submissions[0]?.job.arrayId;
      const before = atOnce === undefined ? undefined : submissions[index - atOnce]?.job.id;
      const dependsOn = [
        ...submission.job.dependsOn,
        ...(before === undefined ? [] : [{ job_id: before, when: 'afterany' as const }]),
      ];
      const job = {
        ...submission.job,
        arrayId: first ?? submission.job.id.replace('job_', 'arr_'),
        arrayIndex: index,
        parameters: point,
        dependsOn,
        unmet: dependsOn.length,
      };
      submissions.push({ ...submission, job });
    }
    return submissions;
  }

  async #tasks(id: string, who: Principal): Promise<arrays.ArrayTask[]> {
    const tasks = await arrays.tasks(this.database, id, jobsSeenBy(who));
    if (tasks.length === 0) throw new NotFound('array', id);
    return tasks;
  }
}

/** What is asked for at one point of an array. */
interface Request {
  readonly point: Point;
  readonly body: SubmitBody;
  readonly keyed: Keyed | undefined;
}

/** @throws BadInput where the parameters make of `config` what is none, or too much */
function requestsOf(
  provider: string,
  body: ArrayBody,
  points: readonly Point[],
  by: Principal,
  key: string | undefined,
): Request[] {
  let bytes = 0;
  return points.map((point, index) => {
    const config = validate(submitBody.shape.config, filled(body.config, point), 'config');
    bytes += Buffer.byteLength(JSON.stringify(config));
    if (bytes > MAX_BYTES)
      throw BadInput.at('config', `makes more than ${MAX_BYTES} bytes in ${points.length} jobs`);
    const whole = { ...body, config };
    const keyed = keyedOf(by, provider, whole, key === undefined ? undefined : `${key}#${index}`);
    return { point, body: whole, keyed };
  });
}

/** @throws BadInput for a parameter that nothing of the job says, and a name that is none */
function checkTemplate({ parameters, config }: ArrayBody): void {
  const named = namesIn(config);
  for (const name of Object.keys(parameters))
    if (!named.has(name)) throw BadInput.at(`parameters.${name}`, `is nowhere in config as {{${name}}}`);
  for (const name of named)
    if (!Object.hasOwn(parameters, name))
      throw BadInput.at('config', `has {{${name}}}, which is no parameter`);
}
