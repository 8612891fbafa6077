import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { Allow, audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { fields } from '@lineclear/contracts';
import { Answers, BadInput, Clock, Conflict, Database, NotFound, type Tx } from '@lineclear/kit';
import { z } from 'zod';
import * as lanes from '../db/lanes.repo.js';
import * as maintenance from '../db/maintenance.repo.js';
import * as slots from '../db/slots.repo.js';
import { Wakes } from '../line/wakes.js';
import { poolName, rowId } from './limit-fields.js';

const MAX_WINDOWS = 100;
const windowBody = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('house'), ...when() }),
  z.strictObject({ kind: z.literal('provider'), name: poolName, ...when() }),
  z.strictObject({ kind: z.literal('hardware'), name: poolName, ...when() }),
]);
function when() {
  return {
    starts_at: fields.instant,
    ends_at: fields.instant,
    reason: z.string().trim().min(1).max(500),
    /** What still runs when it begins is stopped, and goes back into the queue; without it, runs may end. */
    stops_runs: z.boolean().default(false),
  };
}
const shown = z.object({
  id: z.int(),
  kind: z.enum(['house', 'provider', 'hardware']),
  name: z.string(),
  starts_at: fields.instant,
  ends_at: fields.instant,
  reason: z.string(),
  stops_runs: z.boolean(),
});

/** Times in which nothing runs: of the house, of a provider, or of a kind of machine. */
@Controller('api/queue/maintenance')
export class MaintenanceController {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly wakes: Wakes,
    private readonly clock: Clock,
  ) {}

  @Get()
  @Allow('job.view.own')
  @Answers(200, z.object({ windows: z.array(shown) }), 'Lists maintenance that is going on or to come')
  async list(): Promise<object> {
    return { windows: (await maintenance.after(this.database, this.clock.now())).map(view) };
  }

  @Post()
  @Allow('queue.manage')
  @Answers(
    201,
    shown,
    'Says when nothing is to run: no job begins that would not be over by then, until it is over',
  )
  async add(@Body({ schema: windowBody }) body: z.infer<typeof windowBody>): Promise<z.input<typeof shown>> {
    const [startsAtMs, endsAtMs] = [Date.parse(body.starts_at), Date.parse(body.ends_at)];
    const now = this.clock.now();
    if (endsAtMs <= startsAtMs) throw BadInput.at('ends_at', 'is not after starts_at');
    if (endsAtMs <= now.getTime()) throw BadInput.at('ends_at', 'is in the past');
    const { kind, reason, stops_runs: stopsRuns } = body;
    const name = body.kind === 'house' ? '' : body.name;
    return this.#change(async (tx) => {
      if ((await maintenance.after(tx, now)).length >= MAX_WINDOWS)
        throw new Conflict(`there are ${MAX_WINDOWS} already`);
      const added = await maintenance.add(tx, { kind, name, startsAtMs, endsAtMs, reason, stopsRuns });
      const details = { kind, name, starts_at: body.starts_at, ends_at: body.ends_at, stops_runs: stopsRuns };
      await this.bus.publish(
        tx,
        audited('queue.maintenance_planned', { target: `maintenance/${added.id}`, details }),
      );
      return view(added);
    });
  }

  @Delete(':id')
  @HttpCode(204)
  @Allow('queue.manage')
  @Answers(204, null, 'Takes maintenance back, or ends it')
  async remove(@Param('id', { schema: rowId }) id: number): Promise<void> {
    await this.#change(async (tx) => {
      if (!(await maintenance.remove(tx, id))) throw new NotFound('maintenance', String(id));
      await this.bus.publish(tx, audited('queue.maintenance_ended', { target: `maintenance/${id}` }));
    });
  }

  async #change<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const result = await this.database.tx(async (tx) => {
      await slots.enter(tx);
      const done = await work(tx);
      await lanes.reopenAll(tx);
      return done;
    });
    this.wakes.wake();
    return result;
  }
}

const view = (one: maintenance.Maintenance): z.input<typeof shown> => ({
  id: one.id,
  kind: one.kind,
  name: one.name,
  starts_at: new Date(one.startsAtMs).toISOString(),
  ends_at: new Date(one.endsAtMs).toISOString(),
  reason: one.reason,
  stops_runs: one.stopsRuns,
});
