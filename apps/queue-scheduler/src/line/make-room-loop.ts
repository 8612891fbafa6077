import { Inject, Injectable } from '@nestjs/common';
import { Clock, Database, LOGGER, type Logger, type Tx } from '@lineclear/kit';
import { holdBack } from '../db/hold-back.js';
import * as lanes from '../db/lanes.repo.js';
import * as maintenance from '../db/maintenance.repo.js';
import * as pools from '../db/pools.repo.js';
import * as running from '../db/running.repo.js';
import * as slots from '../db/slots.repo.js';
import { concerns, type Window } from '../domain/maintenance.js';
import { poolName, poolsTaken } from '../domain/pools.js';
import { victimsFor } from '../domain/preempt.js';
import { Loop } from './loop.js';
import { Moves, type About } from './moves.js';
import { Wakes } from './wakes.js';

const MINUTE_MS = 60_000;
/** So many jobs that something else keeps are passed over in one look. */
const MAX_LOOKS = 20;

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
      stops.push(...(await this.#preempt(tx, windows, now)));
      if (stops.length > 0) await this.moves.apply(tx, stops);
    });
    return false;
  }

  /** One job at a time: what it needs is free before the next one is looked at. For one that would not go then nothing is stopped. */
  async #preempt(tx: Tx, windows: readonly Window[], now: Date): Promise<About[]> {
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
    const { hasQuotas, hasCostLimits } = room;
    const reservesSince = policy.reserves
      ? new Date(now.getTime() - policy.starvation_threshold_minutes * MINUTE_MS)
      : undefined;
    const keepers = { windows, reservesSince, limits, pools: all, hasQuotas, hasCostLimits };
    const since = new Date(now.getTime() - after * MINUTE_MS);
    for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
      const job = await running.highestIn(tx, all.map(poolName), since);
      const stopped =
        job && victimsFor(job, victims, limits, { taken: poolsTaken(limits, all), freeSlots: room.free });
      if (!stopped || stopped.length === 0) return [];
      const { lets, held } = await holdBack(tx, [job], keepers, now);
      if (lets(job))
        return stopped.map(({ id }) => stop(id, `stopped for ${job.id}, which is of a higher level`));
      await lanes.hold(tx, held);
      await lanes.refresh(tx, [job.userId], []);
    }
    return [];
  }
}

const stop = (jobId: string, reason: string): About => ({ jobId, fact: { kind: 'preempted', reason } });
