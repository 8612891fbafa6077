import { QUOTA_TYPES, type Quota, type QuotaType } from '@lineclear/contracts';
import type { Holder, Whose } from './holders.js';
import { endOf, type Period } from './period.js';

/** What a holder uses. Money and GPU time of jobs that wait is set apart: it counts against new jobs, not against claims. */
export interface Use {
  readonly running: number;
  readonly submittedThisHour: number;
  readonly submittedToday: number;
  readonly spentToday: number;
  readonly spentThisMonth: number;
  readonly gpuHoursThisMonth: number;
  readonly waitingUsd: number;
  readonly waitingGpuHours: number;
}
export const NOTHING_USED: Use = {
  running: 0,
  submittedThisHour: 0,
  submittedToday: 0,
  spentToday: 0,
  spentThisMonth: 0,
  gpuHoursThisMonth: 0,
  waitingUsd: 0,
  waitingGpuHours: 0,
};

/** A job as quotas see it. */
export interface Load extends Whose {
  readonly level: string;
  readonly usd: number;
  readonly gpuHours: number;
}

interface Measure {
  /** After which it is counted anew; jobs at once are what they are, and people are told of them once an hour. */
  readonly period: Period;
  readonly used: (use: Use) => number;
  /** What waits and will be used, when a job is judged that has yet to be let in. */
  readonly waits?: (use: Use) => number;
  readonly adds: (load: Load) => number;
}

const MEASURES: Readonly<Record<QuotaType, Measure>> = {
  concurrent_jobs: { period: 'hour', used: (use) => use.running, adds: () => 1 },
  jobs_per_hour: { period: 'hour', used: (use) => use.submittedThisHour, adds: () => 1 },
  jobs_per_day: { period: 'day', used: (use) => use.submittedToday, adds: () => 1 },
  cost_daily: {
    period: 'day',
    used: (use) => use.spentToday,
    waits: (use) => use.waitingUsd,
    adds: (load) => load.usd,
  },
  cost_monthly: {
    period: 'month',
    used: (use) => use.spentThisMonth,
    waits: (use) => use.waitingUsd,
    adds: (load) => load.usd,
  },
  gpu_hours_monthly: {
    period: 'month',
    used: (use) => use.gpuHoursThisMonth,
    waits: (use) => use.waitingGpuHours,
    adds: (load) => load.gpuHours,
  },
};
const WARNS_FROM = 0.8;
// Sums of hundredths of a cent, in floating point.
const isBeyond = (after: number, limit: number): boolean => after - limit > 1e-6;

export const useOf = (type: QuotaType, use: Use): number => {
  const { used, waits } = MEASURES[type];
  return used(use) + (waits?.(use) ?? 0);
};

const PERSONAL = ['user', 'level', 'global'] as const;

/** Those of all quotas that bind such a job: of each type the most particular of its person's, its team's and its organisation's. */
export function quotasOf(all: readonly Quota[], job: Whose & { readonly level: string }): Quota[] {
  const subjects: Readonly<Record<Quota['scope'], string | null>> = {
    user: String(job.userId),
    level: job.level,
    global: '*',
    team: job.teamId === null ? null : String(job.teamId),
    org: job.orgId === null ? null : String(job.orgId),
  };
  const mine = all.filter(({ scope, subject }) => subjects[scope] === subject);
  return QUOTA_TYPES.flatMap((type) => {
    const ofType = mine.filter(({ quota_type }) => quota_type === type);
    const find = (scope: Quota['scope']): Quota | undefined => ofType.find((one) => one.scope === scope);
    const personal = PERSONAL.map(find).find((one) => one !== undefined);
    return [personal, find('team'), find('org')].filter((one) => one !== undefined);
  });
}

/** Whose use a quota that binds this job is compared with. */
export function holderOf({ scope }: Quota, job: Whose): Holder {
  if (scope === 'team') return `team:${job.teamId ?? 0}`;
  if (scope === 'org') return `org:${job.orgId ?? 0}`;
  return `user:${job.userId}`;
}

/** What a job makes of a quota. */
export interface Finding {
  readonly quota: Quota;
  /** With this job. */
  readonly used: number;
  readonly isBeyond: boolean;
  /** When it is counted anew. */
  readonly until: Date;
}

/**
 * What a new job makes of the quotas that bind it: those that it goes beyond, and those of which most is used with it and
 * was not before. Of one of which it takes nothing it makes nothing. A ceiling on jobs at once that blocks is not among them:
 * such a job queues.
 */
export function judgeSubmit(
  quotas: readonly Quota[],
  uses: ReadonlyMap<Holder, Use>,
  load: Load,
  now: Date,
): Finding[] {
  return quotas.flatMap((quota): Finding[] => {
    const { quota_type: type, limit, action } = quota;
    if (type === 'concurrent_jobs' && action === 'block') return [];
    const adds = MEASURES[type].adds(load);
    if (adds <= 0) return [];
    const before = useOf(type, uses.get(holderOf(quota, load)) ?? NOTHING_USED);
    const used = before + adds;
    const beyond = isBeyond(used, limit);
    const warns = !beyond && used >= limit * WARNS_FROM && before < limit * WARNS_FROM;
    if (!beyond && !warns) return [];
    return [{ quota, used, isBeyond: beyond, until: endOf(MEASURES[type].period, now) }];
  });
}

/**
 * The quotas on money and GPU time of which most is used, with what waits, or that are gone beyond. As with a submit, who lets
 * jobs go beyond a quota with a warning alone is not told that they do.
 */
export function judgeUsed(
  quotas: readonly Quota[],
  uses: ReadonlyMap<Holder, Use>,
  whose: Whose,
  now: Date,
): Finding[] {
  return quotas.flatMap((quota): Finding[] => {
    const { quota_type: type, limit, action } = quota;
    const { period, waits } = MEASURES[type];
    const used = useOf(type, uses.get(holderOf(quota, whose)) ?? NOTHING_USED);
    const beyond = isBeyond(used, limit);
    if (waits === undefined || used <= 0 || used < limit * WARNS_FROM || (beyond && action === 'warn'))
      return [];
    return [{ quota, used, isBeyond: beyond, until: endOf(period, now) }];
  });
}

/** Until when a queued job must wait, because a quota on money or GPU time that blocks is used up; undefined when it need not. */
export function waitsUntil(
  quotas: readonly Quota[],
  uses: ReadonlyMap<Holder, Use>,
  load: Load,
  now: Date,
): Date | undefined {
  for (const quota of quotas) {
    const { period, used, waits, adds } = MEASURES[quota.quota_type];
    if (quota.action !== 'block' || waits === undefined || adds(load) <= 0) continue;
    const use = uses.get(holderOf(quota, load)) ?? NOTHING_USED;
    if (isBeyond(used(use) + adds(load), quota.limit)) return endOf(period, now);
  }
  return undefined;
}

/** The use once this job is let in, to wait or with a slot at once. */
export const withSubmitted = (use: Use, load: Load): Use => ({
  ...use,
  submittedThisHour: use.submittedThisHour + 1,
  submittedToday: use.submittedToday + 1,
  waitingUsd: use.waitingUsd + load.usd,
  waitingGpuHours: use.waitingGpuHours + load.gpuHours,
});

/** The use once this job has its slot. */
export const withClaimed = (use: Use, load: Load): Use => ({
  ...use,
  running: use.running + 1,
  spentToday: use.spentToday + load.usd,
  spentThisMonth: use.spentThisMonth + load.usd,
  gpuHoursThisMonth: use.gpuHoursThisMonth + load.gpuHours,
  waitingUsd: use.waitingUsd - load.usd,
  waitingGpuHours: use.waitingGpuHours - load.gpuHours,
});

const jobs = (n: number): string => (n === 1 ? '1 job' : `${n} jobs`);
const UNITS: Readonly<Record<QuotaType, (n: number) => string>> = {
  concurrent_jobs: (n) => `${jobs(n)} at once`,
  jobs_per_hour: (n) => `${jobs(n)} an hour`,
  jobs_per_day: (n) => `${jobs(n)} a day`,
  cost_daily: (n) => `$${n.toFixed(2)} a day`,
  cost_monthly: (n) => `$${n.toFixed(2)} a month`,
  gpu_hours_monthly: (n) => `${+n.toFixed(2)} GPU hours a month`,
};

/** A finding for people: which quota, whose, and how far this job would go. */
export function explainQuota({ quota, used, isBeyond: beyond }: Finding): string {
  const { scope, subject, quota_type: type, limit } = quota;
  const whose = scope === 'global' ? 'of everyone' : `of the ${scope} ${subject}`;
  const says = UNITS[type];
  return beyond
    ? `the quota ${type} ${whose} allows ${says(limit)}; with this job it would be ${says(used)}`
    : `with this job ${Math.round((used / limit) * 100)} % of the quota ${type} ${whose} (${says(limit)}) are used`;
}
