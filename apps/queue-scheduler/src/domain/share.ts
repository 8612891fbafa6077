import type { Job } from './job.js';

/** Whose turn it is among equals: org, then its team, then its user; 0 stands for none. */
export interface Path {
  readonly org: number;
  readonly team: number;
  readonly user: number;
}

/** How quickly what was used is forgotten. */
export interface Sharing {
  /** After this long half of what was used counts no more. */
  readonly halfLifeSeconds: number;
}

/** And how often a job that waited too long goes before its turn. */
export interface FairPolicy extends Sharing {
  /** A job that has waited so long is overdue. */
  readonly starvationThresholdSeconds: number;
  /** Every so many decisions the oldest overdue job goes first, whatever its band; so overdue work gets this share, never all. */
  readonly guardEvery: number;
}

const SECONDS_PER_HOUR = 3_600;

/** What a claim is charged: the money it is expected to cost; where that is nothing, a dollar for each hour of a GPU (or of a machine without one). */
export const chargeOf = (job: Pick<Job, 'estimatedCostUsd' | 'gpus' | 'estimatedDurationSeconds'>): number =>
  job.estimatedCostUsd > 0
    ? job.estimatedCostUsd
    : (Math.max(1, job.gpus) * job.estimatedDurationSeconds) / SECONDS_PER_HOUR;

/** How many half-lives a moment lies after 1970: the scale on which what was used is kept. */
export const halfLivesAt = (at: Date, { halfLifeSeconds }: Sharing): number =>
  at.getTime() / 1_000 / halfLifeSeconds;

// A millionth of a cent: less than any charge, and its logarithm is finite.
const LEAST = 1e-8;

/**
 * What was used after one more charge (or, below 0, after one was taken back), as log2 of a sum in which each charge weighs
 * twice as much for every half-life that it is younger (forward decay): so two of them compare now as at any later time, and
 * nothing has to be recalculated as time passes. db/shares.repo.ts does the same in SQL.
 */
export const charged = (key: number, charge: number, halfLives: number): number =>
  halfLives + Math.log2(Math.max(LEAST, 2 ** Math.min(900, key - halfLives) + charge));

/** What was used, as it weighs at a moment: in dollars of then. */
export const usedAt = (key: number, halfLives: number): number => 2 ** Math.min(900, key - halfLives);
