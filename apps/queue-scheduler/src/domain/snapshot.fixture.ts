import { Calibration } from './calibration.js';
import type { Window } from './maintenance.js';
import { sceneOf, type Scene, type Snapshot } from './snapshot.js';
import { moment, NOW_MS, type World } from './world.fixture.js';

/** Runs take what was estimated. */
export const EXACT = new Calibration([]);

/** A made-up world as it would be read, in which jobs take some minutes. */
export function snapshotOf(world: World, windows: readonly Window[] = []): Snapshot {
  return {
    atMs: NOW_MS,
    maxConcurrent: world.maxConcurrent,
    userMaxConcurrent: world.userMaxConcurrent,
    isPaused: false,
    policy: moment(world).policy,
    decisions: world.decisions,
    quotas: world.quotas,
    poolLimits: world.limits,
    windows,
    nominal: world.nominal,
    used: world.used,
    queued: world.queue.map((job) => ({
      ...job,
      estimatedSeconds: 60 * (1 + (job.ord % 7)) + job.ord,
      maxSeconds: null,
      heldUntilMs: null,
    })),
    running: world.running.map((job, n) => ({
      ...job,
      id: `running ${n}`,
      level: 'researcher',
      charge: 1,
      estimatedSeconds: 100 + n * 37,
      maxSeconds: null,
      claimedAtMs: NOW_MS - n * 11_000,
    })),
    cutLanes: new Set(),
    isCut: false,
  };
}

export const sceneOfWorld = (world: World, windows?: readonly Window[]): Scene =>
  sceneOf(snapshotOf(world, windows), EXACT, 'p50');
