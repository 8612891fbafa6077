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
  readonly nominal: ReadonlyMap<string, number>;
  readonly used: ReadonlyMap<string, number>;
  readonly queued: readonly QueuedNow[];
  readonly running: readonly RunningNow[];
  /** Lanes of which only the first jobs were read, by `laneName`. */
  readonly cutLanes: ReadonlySet<string>;
}

/** A queued job with what it is expected to take once it is let in. */
export interface Prospect extends Waiting {
  readonly seconds: number;
  /** What it costs in the end, as a part of what it is charged when it is let in. */
  readonly costs: number;
  readonly heldUntilMs: number | null;
}
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
  const { quotas, poolLimits, queued, running, used, nominal, cutLanes, atMs } = snapshot;
  const holdsOf = holdsBy(quotas, poolLimits, snapshot.userMaxConcurrent);
  const ratioOf = (job: Live): number => calibration.of(job)[quantile];
  return {
    snapshot,
    choice: {
      jobs: queued.map((job): Prospect => {
        const { id, band, ord, queuedAtMs, charge, heldUntilMs, estimatedSeconds } = job;
        const seconds = expectedSeconds(job, ratioOf(job));
        return {
          id,
          band,
          ord,
          queuedAtMs,
          charge,
          heldUntilMs,
          seconds,
          ...pathOf(job),
          pool: poolName(job),
          costs: seconds / Math.max(1, estimatedSeconds),
          holds: holdsOf(job),
        };
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
      const elapsed = Math.max(0, (atMs - job.claimedAtMs) / 1_000);
      const left = remainingSeconds(job, ratioOf(job), elapsed);
      return {
        ...pathOf(job),
        charge: job.charge,
        holds: holdsOf(job),
        costs: (elapsed + left) / Math.max(1, job.estimatedSeconds),
        claimedAtMs: job.claimedAtMs,
        endsAtMs: Math.round(atMs + left * 1_000),
      };
    }),
  };
}

/** What jobs take. Of many jobs few are of different people or machines, and of many quotas few are about any one of them. */
function holdsBy(
  quotas: readonly Quota[],
  limits: readonly PoolLimit[],
  userAtMost: number,
): (job: Live) => readonly Hold[] {
  const bySubject = grouped(quotas, ({ scope, subject }) => `${scope}:${subject}`);
  const known = new Map<string, readonly Hold[]>();
  return (job) => {
    const { userId, teamId, orgId, level } = job;
    const name = `${userId}/${teamId}/${orgId}/${level} ${poolName(job)}`;
    let holds = known.get(name);
    if (!holds) {
      const subjects = [`user:${userId}`, `level:${level}`, 'global:*', `team:${teamId}`, `org:${orgId}`];
      const about = subjects.flatMap((subject) => bySubject.get(subject) ?? []);
      holds = [...ceilingsOf(about, job, userAtMost), ...poolHolds(limits, job)];
      known.set(name, holds);
    }
    return holds;
  };
}
