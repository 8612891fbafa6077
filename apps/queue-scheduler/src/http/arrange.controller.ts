import { Body, Controller, Param, Post } from '@nestjs/common';
import { Allow, audited, canFor, Who } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { fields, isFinal, JOB_STATES, type Principal } from '@lineclear/contracts';
import { Answers, BadInput, Conflict, Database, NotAllowed, NotFound, type Tx } from '@lineclear/kit';
import { z } from 'zod';
import * as jobs from '../db/jobs.repo.js';
import * as lanes from '../db/lanes.repo.js';
import * as slots from '../db/slots.repo.js';
import { holdsSlot, isInLine, type Job } from '../domain/job.js';
import { poolName } from '../domain/pools.js';
import type { Fact } from '../domain/transition.js';
import { Moves } from '../line/moves.js';

const MAX_BAND = 1_000;
const MAX_ORDERED = 200;
const priorityBody = z.strictObject({
  /** A band, as `priority` shows it; null for the job's own. */
  priority: z.int().min(0).max(MAX_BAND).nullable(),
});
const priorityAnswer = z.object({
  success: z.literal(true),
  job_id: fields.jobId,
  previous_effective_priority: z.int(),
  new_effective_priority: z.int(),
  priority_override: z.int().nullable(),
});
const heldAnswer = z.object({ job_id: fields.jobId, status: z.enum(JOB_STATES), on_hold: z.boolean() });
const orderBody = z.strictObject({
  job_ids: z
    .array(fields.jobId)
    .min(2)
    .max(MAX_ORDERED)
    .refine((ids) => new Set(ids).size === ids.length, 'names a job twice'),
});
const orderAnswer = z.object({ job_ids: z.array(fields.jobId) });

/** Changes who goes when: administrators the band of any job, owners the order of their own and whether they go at all. */
@Controller('api/queue')
export class ArrangeController {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly moves: Moves,
  ) {}

  @Post('me/order')
  @Allow('job.view.own')
  @Answers(200, orderAnswer, 'Puts queued jobs of your own, of one priority, into this order')
  async order(
    @Body({ schema: orderBody }) { job_ids: ids }: z.infer<typeof orderBody>,
    @Who() who: Principal,
  ): Promise<z.input<typeof orderAnswer>> {
    return this.database.tx(async (tx) => {
      await slots.enter(tx);
      const found = new Map((await jobs.lock(tx, ids)).map((job) => [job.id, job]));
      const given = ids.map((id) => ownQueued(found.get(id), id, who));
      const [first] = given;
      if (given.some(({ band }) => band !== first?.band))
        throw BadInput.at('job_ids', 'are of more than one priority');
      await jobs.reorder(tx, ids);
      await lanes.reread(
        tx,
        given.map((job) => ({ ...job, pool: poolName(job) })),
      );
      await lanes.refresh(tx, [who.user_id], []);
      const details = { jobs: ids };
      await this.bus.publish(tx, audited('queue.jobs_reordered', { target: `user/${who.user_id}`, details }));
      return { job_ids: ids };
    });
  }

  @Post(':job/priority')
  @Allow('queue.manage')
  @Answers(200, priorityAnswer, 'Lets a job that has no slot yet go with another priority than its own')
  async prioritise(
    @Param('job', { schema: fields.jobId }) id: string,
    @Body({ schema: priorityBody }) { priority }: z.infer<typeof priorityBody>,
    @Who() who: Principal,
  ): Promise<z.input<typeof priorityAnswer>> {
    return this.database.tx(async (tx) => {
      await slots.enter(tx);
      const before = await this.#find(tx, id, who);
      if (isFinal(before.state) || holdsSlot(before.state))
        throw new Conflict(`the job is ${before.state}: it waits for no slot`);
      const after = await this.#apply(tx, before, { kind: 'prioritised', band: priority ?? before.ownBand });
      const details = { user_id: before.userId, priority: { from: before.band, to: after.band } };
      await this.bus.publish(tx, audited('job.priority_changed', { target: `job/${id}`, details }));
      return {
        success: true,
        job_id: id,
        previous_effective_priority: before.band,
        new_effective_priority: after.band,
        priority_override: priority,
      };
    });
  }

  @Post(':job/hold')
  @Allow()
  @Answers(200, heldAnswer, 'Keeps a queued job from going until it is released')
  async hold(
    @Param('job', { schema: fields.jobId }) id: string,
    @Who() who: Principal,
  ): Promise<z.input<typeof heldAnswer>> {
    return this.#setHold(id, who, true);
  }

  @Post(':job/release')
  @Allow()
  @Answers(200, heldAnswer, 'Lets a job that was held queue again, behind the others of its owner')
  async release(
    @Param('job', { schema: fields.jobId }) id: string,
    @Who() who: Principal,
  ): Promise<z.input<typeof heldAnswer>> {
    return this.#setHold(id, who, false);
  }

  async #setHold(id: string, who: Principal, onHold: boolean): Promise<z.input<typeof heldAnswer>> {
    return this.database.tx(async (tx) => {
      await slots.enter(tx);
      const before = await this.#find(tx, id, who);
      // Who may end it may let it wait.
      if (!canFor(who, 'job.cancel', before))
        throw new NotAllowed(
          `this needs the permission job.cancel.${before.userId === who.user_id ? 'own' : 'all'}`,
        );
      if (before.state !== 'queued') throw new Conflict(`the job is ${before.state}, not queued`);
      const after = await this.#apply(tx, before, { kind: 'put_on_hold', onHold });
      const action = onHold ? 'job.held' : 'job.released';
      if (after !== before)
        await this.bus.publish(
          tx,
          audited(action, { target: `job/${id}`, details: { user_id: before.userId } }),
        );
      return { job_id: id, status: after.state, on_hold: after.onHold };
    });
  }

  async #apply(tx: Tx, before: Job, fact: Fact): Promise<Job> {
    return (await this.moves.apply(tx, [{ jobId: before.id, fact }])).get(before.id) ?? before;
  }

  async #find(tx: Tx, id: string, who: Principal): Promise<Job> {
    const [job] = await jobs.lock(tx, [id]);
    if (!job || !(canFor(who, 'job.view', job) || canFor(who, 'job.cancel', job)))
      throw new NotFound('job', id);
    return job;
  }
}

function ownQueued(job: Job | undefined, id: string, who: Principal): Job {
  if (job?.userId !== who.user_id) throw new NotFound('job', id);
  if (!isInLine(job)) throw new Conflict(`the job ${id} is not in the queue`);
  return job;
}
