import type { JobFacts } from '@lineclear/contracts';
import { inCentHundredths } from './condition.js';
import { machinesOf } from './machines-of.js';
import { compileGlob, compilePattern } from './pattern.js';

export const CAP_PERIODS = ['once', 'month'] as const;
export type CapPeriod = (typeof CAP_PERIODS)[number];

/** Which jobs somebody says yes to in advance. Where a field is null it does not matter. */
export interface Covers {
  readonly userId: number | null;
  /** The team that a job counts under. */
  readonly teamId: number | null;
  readonly orgId: number | null;
  readonly provider: string | null;
  /** A glob, or a regular expression where it is anchored. */
  readonly configPattern: string | null;
  /** A glob. */
  readonly hardwarePattern: string | null;
  readonly maxJobUsd: number | null;
}

/** Somebody's yes to jobs that are still to come, up to a sum and an end. */
export interface StandingApproval {
  readonly id: number;
  readonly covers: Covers;
  /** What all of these jobs may cost by their estimates, in all or in each month (UTC). */
  readonly capUsd: number;
  readonly per: CapPeriod;
  readonly spentUsd: number;
  /** The month that `spentUsd` is of, as 2026-11; null when nothing was spent. */
  readonly spentMonth: string | null;
  readonly startsAt: Date;
  readonly endsAt: Date;
  readonly revokedAt: Date | null;
  readonly reason: string;
  readonly grantedById: number;
  readonly grantedBy: string;
  readonly createdAt: Date;
}

export const monthOf = (at: Date): string => at.toISOString().slice(0, 7);

/** What is left of its sum at this moment. */
export function leftOf(
  { capUsd, per, spentUsd, spentMonth }: Pick<StandingApproval, 'capUsd' | 'per' | 'spentUsd' | 'spentMonth'>,
  now: Date,
): number {
  const counts = per === 'once' || spentMonth === monthOf(now);
  return Math.max(0, inCentHundredths(capUsd) - inCentHundredths(counts ? spentUsd : 0)) / 10_000;
}

/**
 * Whether it speaks for this job. A quota or a secret that wants a human's word wants it of the job at hand, so nothing that was
 * said before counts for these.
 */
export function speaksFor(standing: StandingApproval, job: JobFacts, now: Date): boolean {
  const { covers, startsAt, endsAt, revokedAt } = standing;
  if (revokedAt !== null || startsAt > now || endsAt <= now) return false;
  if (job.over_quota?.length || job.secrets_needing_approval?.length) return false;
  const cost = job.estimated_cost_usd;
  return (
    fits(covers.userId, job.user_id) &&
    fits(covers.teamId, job.team_id) &&
    fits(covers.orgId, job.org_id) &&
    fits(covers.provider, job.provider) &&
    (covers.configPattern === null || compilePattern(covers.configPattern)(job.config_name)) &&
    (covers.hardwarePattern === null || machinesOf(job).every(compileGlob(covers.hardwarePattern))) &&
    (covers.maxJobUsd === null || cost <= covers.maxJobUsd) &&
    cost <= leftOf(standing, now)
  );
}

const fits = <T>(wanted: T | null, given: T | undefined): boolean => wanted === null || wanted === given;
