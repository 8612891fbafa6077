import type { Quota } from '@lineclear/contracts';
import {
  expectedSeconds,
  remainingSeconds,
  type Calibration,
  type Length,
  type Quantile,
} from './calibration.js';
import type { Choice, Hold, Waiting } from './choice.js';
import { grouped } from './grouped.js';
import { countByHolder, type Whose } from './holders.js';
import { concerning, inTheWay, type Window } from './maintenance.js';
import { ceilingsOf } from './pick.js';
import { poolHolds, poolName, poolsTaken, type Machine, type PoolLimit } from './pools.js';
import type { FairPolicy, Path } from './share.js';

/** A job as a look ahead needs it. */
interface Live extends Whose, Machine, Length {
  readonly id: string;
  readonly level: string;
  readonly charge: number;
}
export interface QueuedNow extends Live {
  readonly band: number;
  readonly ord: number;
  readonly queuedAtMs: number;
  /** Until then a quota on money leaves none for what stands in its lane. */
  readonly heldUntilMs: number | null;
}
export interface RunningNow extends Live {
  readonly claimedAtMs: number;
}

/** The queue and what runs at one moment, with all that says who goes next. */
export interface Snapshot {
  readonly atMs: number;
  readonly maxConcurrent: number;
  readonly userMaxConcurrent: number;
  readonly isPaused: boolean;
  readonly policy: FairPolicy;
  readonly decisions: number;
  /** Those on jobs at once. */
  readonly quotas: readonly Quota[];
  readonly poolLimits: readonly PoolLimit[];
  /** Maintenance that is open or to come. */
  readonly windows: readonly Window[];
  readonly nominal: ReadonlyMap<string, number>;
  readonly used: ReadonlyMap<string, number>;
  readonly queued: readonly QueuedNow[];
  readonly running: readonly RunningNow[];
  /** Lanes of which only the first jobs were read, by `laneName`. */
  readonly cutLanes: ReadonlySet<string>;
  /** There are more jobs in the queue than were read. */
  readonly isCut: boolean;
}

/** A queued job with what it is expected to take once it is let in. */
export interface Prospect extends Waiting {
  readonly seconds: number;
  /** What it costs in the end, as a part of what it is charged when it is let in. */
  readonly costs: number;
  readonly heldUntilMs: number | null;
  /** What it is said to take, which must be over before the first of these windows begins. */
  readonly plannedSeconds: number;
  readonly windows: readonly Window[];
}
/** The maintenance that a job must wait for, were it its turn then. */
export const windowFor = ({ windows, plannedSeconds }: Prospect, atMs: number): Window | undefined =>
  inTheWay(windows, plannedSeconds, atMs);

/** A job that has its slot, and when it gives it back. */
export interface Slot extends Path, Pick<Waiting, 'holds' | 'charge'> {
  readonly costs: number;
  readonly claimedAtMs: number;
  readonly endsAtMs: number;
}
export interface Scene {
  readonly snapshot: Snapshot;
  readonly choice: Choice<Prospect>;
  readonly slots: readonly Slot[];
}

const pathOf = ({ userId, teamId, orgId }: Whose): Path => ({
  user: userId,
  team: teamId ?? 0,
  org: orgId ?? 0,
});

/** A moment as the policy sees it, with everything taking as long as the calibration says. */
export function sceneOf(snapshot: Snapshot, calibration: Calibration, quantile: Quantile): Scene {
  const { poolLimits, queued, running, used, nominal, cutLanes, atMs } = snapshot;
  const kindOf = kindsOf(snapshot, calibration, quantile);
  return {
    snapshot,
    choice: {
      jobs: queued.map((job): Prospect => {
        const { pool, holds, windows, ratio } = kindOf(job);
        const { id, band, ord, queuedAtMs, charge, heldUntilMs, estimatedSeconds: plannedSeconds } = job;
        const seconds = expectedSeconds(job, ratio);
        const costs = seconds / Math.max(1, plannedSeconds);
        const { user, team, org } = pathOf(job);
        // prettier-ignore
        return { id, band, ord, queuedAtMs, charge, heldUntilMs, plannedSeconds, windows, seconds, costs, user, team, org, pool, holds };
      }),
      taken: new Map<string, number>([
        ...countByHolder(running),
        ...poolsTaken(
          poolLimits,
          running.map((job) => ({ ...job, running: 1 })),
        ),
      ]),
      used,
      nominal,
      cutLanes,
    },
    slots: running.map((job): Slot => {
      const { holds, ratio } = kindOf(job);
      const elapsed = Math.max(0, (atMs - job.claimedAtMs) / 1_000);
      const left = remainingSeconds(job, ratio, elapsed);
      return {
        ...pathOf(job),
        charge: job.charge,
        holds,
        costs: (elapsed + left) / Math.max(1, job.estimatedSeconds),
        claimedAtMs: job.claimedAtMs,
        endsAtMs: Math.round(atMs + left * 1_000),
      };
    }),
  };
}

/** What jobs of one person on one kind of machine have in common. */
interface Kind {
  readonly pool: string;
  readonly holds: readonly Hold[];
  readonly windows: readonly Window[];
  readonly ratio: number;
}

/** Of many jobs few are of different people, and fewer on different machines; of many quotas few are about any one of them. */
function kindsOf(
  { quotas, poolLimits, windows, userMaxConcurrent }: Snapshot,
  calibration: Calibration,
  quantile: Quantile,
): (job: Live) => Kind {
  const bySubject = grouped(quotas, ({ scope, subject }) => `${scope}:${subject}`);
  const ceilings = remembered((job: Live): readonly Hold[] => {
    const { userId, teamId, orgId, level } = job;
    const subjects = [`user:${userId}`, `level:${level}`, 'global:*', `team:${teamId}`, `org:${orgId}`];
    const about = subjects.flatMap((subject) => bySubject.get(subject) ?? []);
    return ceilingsOf(about, job, userMaxConcurrent);
  });
  const machines = remembered((job: Live): Kind => ({
    pool: poolName(job),
    holds: poolHolds(poolLimits, job),
    windows: concerning(windows, job),
    ratio: calibration.of(job)[quantile],
  }));
  return (job) => {
    const machine = machines(poolName(job), job);
    const own = ceilings(`${job.userId}/${job.teamId}/${job.orgId}/${job.level}`, job);
    return machine.holds.length === 0
      ? { ...machine, holds: own }
      : { ...machine, holds: [...own, ...machine.holds] };
  };
}

function remembered<T>(make: (job: Live) => T): (name: string, job: Live) => T {
  const known = new Map<string, T>();
  return (name, job) => {
    let value = known.get(name);
    if (value === undefined) known.set(name, (value = make(job)));
    return value;
  };
}
