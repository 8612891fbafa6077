import { Inject, Injectable } from '@nestjs/common';
import { Clock, Database, LOGGER, type Logger, type Tx } from '@lineclear/kit';
import * as maintenance from '../db/maintenance.repo.js';
import * as pools from '../db/pools.repo.js';
import * as running from '../db/running.repo.js';
import * as slots from '../db/slots.repo.js';
import { concerns } from '../domain/maintenance.js';
import { poolName, poolsTaken } from '../domain/pools.js';
import { victimsFor } from '../domain/preempt.js';
import { Loop } from './loop.js';
import { Moves, type About } from './moves.js';
import { Wakes } from './wakes.js';

const MINUTE_MS = 60_000;

/** Stops runs that go back into the queue: for maintenance that says so, and for jobs of higher levels where that is switched on. */
@Injectable()
export class MakeRoomLoop extends Loop {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly moves: Moves,
    wakes: Wakes,
    @Inject(LOGGER) log: Logger,
  ) {
    super(wakes, log, 'making room');
  }

  protected override async once(): Promise<boolean> {
    const now = this.clock.now();
    const [windows, { preempt_after_minutes: after }] = await Promise.all([
      maintenance.after(this.database, now),
      slots.policy(this.database),
    ]);
    const open = windows.filter((one) => one.stopsRuns && one.startsAtMs <= now.getTime());
    if (open.length === 0 && after === null) return false;
    await this.database.tx(async (tx) => {
      await slots.enter(tx);
      const stops: About[] = [];
      for (const window of open)
        for (const { id } of await running.runningOn(tx, (machine) => concerns(window, machine)))
          stops.push(stop(id, `maintenance: ${window.reason}`));
      stops.push(...(await this.#preempt(tx, now)));
      if (stops.length > 0) await this.moves.apply(tx, stops);
    });
    return false;
  }

  /** One job at a time: what it needs is free before the next one is looked at. */
  async #preempt(tx: Tx, now: Date): Promise<About[]> {
    const policy = await slots.policy(tx);
    const { preempt_after_minutes: after, preempt_min_runtime_minutes: atLeast } = policy;
    if (after === null || policy.is_paused || (await running.isMakingRoom(tx))) return [];
    const victims = await running.victims(tx, new Date(now.getTime() - atLeast * MINUTE_MS));
    if (victims.length === 0) return [];
    const [all, limits, room] = await Promise.all([
      pools.all(tx),
      pools.limits(tx),
      slots.roomFor(tx, [], now),
    ]);
    const job = await running.highestIn(tx, all.map(poolName), new Date(now.getTime() - after * MINUTE_MS));
    if (!job) return [];
    const stopped = victimsFor(job, victims, limits, {
      taken: poolsTaken(limits, all),
      freeSlots: room.free,
    });
    return stopped.map(({ id }) => stop(id, `stopped for ${job.id}, which is of a higher level`));
  }
}

const stop = (jobId: string, reason: string): About => ({ jobId, fact: { kind: 'preempted', reason } });
