import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { Allow, audited, differences } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { fields } from '@lineclear/contracts';
import { Answers, Clock, Database, type Tx } from '@lineclear/kit';
import { z } from 'zod';
import * as lanes from '../db/lanes.repo.js';
import * as pools from '../db/pools.repo.js';
import * as slots from '../db/slots.repo.js';
import { Wakes } from '../line/wakes.js';
import { groupScope, ownSlots, poolAtMost, poolKind, poolName, rowId } from './limit-fields.js';

const limit = z.object({ kind: poolKind, name: z.string(), at_most: poolAtMost, is_paused: z.boolean() });
const pool = z.object({
  provider: fields.provider,
  hardware: fields.hardware,
  gpus: z.int(),
  running: z.int(),
  queued: z.int(),
});
const limitBody = z
  .strictObject({ at_most: poolAtMost.optional(), is_paused: z.boolean().optional() })
  .refine((body) => Object.keys(body).length > 0, 'names nothing to change');
const policy = z.object({
  is_paused: z.boolean(),
  half_life_hours: z.number(),
  starvation_threshold_minutes: z.number(),
  guard_every: z.int(),
  reserves: z.boolean(),
  preempt_after_minutes: z.number().nullable(),
  preempt_min_runtime_minutes: z.number(),
});
const minutes = z
  .number()
  .min(0)
  .max(60 * 24 * 365);
const policyBody = z
  .strictObject({
    /** Lets nothing new in, whatever it is; what runs goes on. */
    is_paused: z.boolean().optional(),
    half_life_hours: z
      .number()
      .min(0.1)
      .max(24 * 365)
      .optional(),
    starvation_threshold_minutes: z
      .number()
      .min(1)
      .max(60 * 24 * 365)
      .optional(),
    guard_every: z.int().min(2).max(1_000).optional(),
    /** Keeps machines for a job that is overdue and needs more of a limited kind than are free at once. */
    reserves: z.boolean().optional(),
    /** Stops preemptible runs of lower levels for a job that waited so long; null for never. */
    preempt_after_minutes: minutes.nullable().optional(),
    /** No run that is younger. */
    preempt_min_runtime_minutes: minutes.optional(),
  })
  .refine((body) => Object.keys(body).length > 0, 'names nothing to change');
const guaranteeBody = z.strictObject({ jobs: ownSlots });
const guarantee = z.object({ scope: groupScope, id: z.int(), jobs: z.int().nullable() });

/** How the queue is ordered, and what bounds it beside people: providers, kinds of machines, and pauses. */
@Controller('api/queue')
export class PoolsController {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly wakes: Wakes,
    private readonly clock: Clock,
  ) {}

  @Get('pools')
  @Allow('job.view.all')
  @Answers(
    200,
    z.object({ pools: z.array(pool), limits: z.array(limit) }),
    'Shows what runs and waits on which machines, and what bounds them',
  )
  async pools(): Promise<object> {
    const [found, limits] = await Promise.all([pools.all(this.database), pools.limits(this.database)]);
    return { pools: found, limits: limits.map(viewLimit) };
  }

  @Put('pools/:kind/:name')
  @Allow('queue.manage')
  @Answers(
    200,
    limit,
    'Sets how much of a provider (jobs) or a kind of machine (GPUs) may be taken at once, or pauses it',
  )
  async setLimit(
    @Param('kind', { schema: poolKind }) of: z.infer<typeof poolKind>,
    @Param('name', { schema: poolName }) name: string,
    @Body({ schema: limitBody }) body: z.infer<typeof limitBody>,
  ): Promise<z.input<typeof limit>> {
    const after = await this.#change(async (tx) => {
      const all = await pools.limits(tx);
      const none = { kind: of, name, atMost: null, isPaused: false };
      const before = all.find((one) => one.kind === of && one.name === name) ?? none;
      const wanted = {
        ...before,
        atMost: body.at_most === undefined ? before.atMost : body.at_most,
        isPaused: body.is_paused ?? before.isPaused,
      };
      await pools.setLimit(tx, wanted);
      const details = differences(viewLimit(before), viewLimit(wanted), ['at_most', 'is_paused']);
      await this.bus.publish(tx, audited('queue.pool_limited', { target: `${of}/${name}`, details }));
      return wanted;
    });
    return viewLimit(after);
  }

  @Get('policy')
  @Allow('job.view.own')
  @Answers(200, policy, 'Shows how the queue is ordered')
  async policy(): Promise<slots.PolicyRow> {
    return slots.policy(this.database);
  }

  @Put('policy')
  @Allow('queue.manage')
  @Answers(200, policy, 'Sets how the queue is ordered, on every replica at once')
  async setPolicy(@Body({ schema: policyBody }) body: z.infer<typeof policyBody>): Promise<slots.PolicyRow> {
    return this.#change(async (tx) => {
      const before = await slots.policy(tx);
      const after = await slots.setPolicy(tx, { ...before, ...body } as slots.PolicyRow, this.clock.now());
      const names = [
        'is_paused',
        'half_life_hours',
        'starvation_threshold_minutes',
        'guard_every',
        'reserves',
        'preempt_after_minutes',
        'preempt_min_runtime_minutes',
      ] as const;
      const details = differences(before, after, names);
      await this.bus.publish(tx, audited('queue.policy_changed', { target: 'queue/policy', details }));
      return after;
    });
  }

  @Put('guarantees/:scope/:id')
  @Allow('queue.manage')
  @Answers(
    200,
    guarantee,
    'Sets how many slots are an organisation’s or a team’s own: beyond them it borrows, and goes after those that do not',
  )
  async guarantee(
    @Param('scope', { schema: groupScope }) of: z.infer<typeof groupScope>,
    @Param('id', { schema: rowId }) id: number,
    @Body({ schema: guaranteeBody }) { jobs }: z.infer<typeof guaranteeBody>,
  ): Promise<z.input<typeof guarantee>> {
    return this.#change(async (tx) => {
      const before = await slots.setNominal(tx, { scope: of, subject: id }, jobs);
      await lanes.refresh(tx, [], [`${of}:${id}`]);
      const details = differences({ jobs: before }, { jobs }, ['jobs']);
      await this.bus.publish(tx, audited('queue.guarantee_changed', { target: `${of}/${id}`, details }));
      return { scope: of, id, jobs };
    });
  }

  async #change<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const result = await this.database.tx(async (tx) => {
      await slots.enter(tx);
      return work(tx);
    });
    this.wakes.wake();
    return result;
  }
}

const viewLimit = (one: Awaited<ReturnType<typeof pools.limits>>[number]): z.input<typeof limit> => ({
  kind: one.kind,
  name: one.name,
  at_most: one.atMost,
  is_paused: one.isPaused,
});
