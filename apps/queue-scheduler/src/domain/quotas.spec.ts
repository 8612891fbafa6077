import type { Quota, QuotaType } from '@lineclear/contracts';
import { describe, expect, it } from 'vitest';
import type { Holder } from './holders.js';
import { endOf, startOf } from './period.js';
import {
  explainQuota,
  judgeSubmit,
  judgeUsed,
  NOTHING_USED,
  quotasOf,
  waitsUntil,
  type Load,
  type Use,
} from './quotas.js';

const NOW = new Date('2026-11-24T20:15:30Z');
const ADA: Load = { userId: 1, teamId: 2, orgId: 3, level: 'researcher', usd: 10, gpuHours: 4 };
const quota = (
  scope: Quota['scope'],
  subject: string,
  type: QuotaType,
  limit: number,
  action: Quota['action'] = 'block',
): Quota => ({
  scope,
  subject,
  quota_type: type,
  limit,
  action,
});

describe('quotas that bind a job', () => {
  const all = [
    quota('global', '*', 'jobs_per_day', 5),
    quota('level', 'researcher', 'jobs_per_day', 10),
    quota('level', 'lead', 'jobs_per_day', 99),
    quota('user', '1', 'jobs_per_day', 20),
    quota('user', '7', 'jobs_per_day', 1),
    quota('team', '2', 'jobs_per_day', 50),
    quota('team', '9', 'jobs_per_day', 2),
    quota('org', '3', 'jobs_per_day', 100),
  ];
  it.each<[string, readonly Quota[], Partial<Load>, number[]]>([
    ['are the most particular of the person’s, and the team’s and the org’s', all, {}, [20, 50, 100]],
    ['are those of the level where the person has none', all, { userId: 2 }, [10, 50, 100]],
    ['are those of everyone where the level has none', all, { userId: 2, level: 'viewer' }, [5, 50, 100]],
    ['are none of a team where there is no team', all, { teamId: null }, [20, 100]],
    ['are none of an org where there is no org', all, { teamId: null, orgId: null }, [20]],
    ['are none where nothing is set', [], {}, []],
    ['are looked at type by type', [quota('user', '1', 'cost_daily', 7), ...all], {}, [20, 50, 100, 7]],
  ])('%s', (_, given, more, limits) => {
    expect(quotasOf(given, { ...ADA, ...more }).map(({ limit }) => limit)).toEqual(limits);
  });
});

const using = (more: Partial<Use>, holder: Holder = 'user:1'): ReadonlyMap<Holder, Use> =>
  new Map([[holder, { ...NOTHING_USED, ...more }]]);

describe('a submit', () => {
  it.each<[string, Quota, ReadonlyMap<Holder, Use>, 'fine' | 'warned' | 'beyond', number?]>([
    [
      'the last job of the hour',
      quota('user', '1', 'jobs_per_hour', 10),
      using({ submittedThisHour: 9 }),
      'fine',
    ],
    ['one too many', quota('user', '1', 'jobs_per_hour', 10), using({ submittedThisHour: 10 }), 'beyond', 11],
    [
      'the first with most used',
      quota('user', '1', 'jobs_per_hour', 10),
      using({ submittedThisHour: 7 }),
      'warned',
      8,
    ],
    ['not the next one', quota('user', '1', 'jobs_per_hour', 10), using({ submittedThisHour: 8 }), 'fine'],
    ['none at all allowed', quota('user', '1', 'jobs_per_day', 0), using({}), 'beyond', 1],
    [
      'money to the cent',
      quota('user', '1', 'cost_daily', 30),
      using({ spentToday: 20.0000000001 }),
      'warned',
      30.0000000001,
    ],
    [
      'money of jobs that wait',
      quota('user', '1', 'cost_daily', 30),
      using({ spentToday: 10, waitingUsd: 15 }),
      'beyond',
      35,
    ],
    [
      'money of the month',
      quota('user', '1', 'cost_monthly', 30),
      using({ spentToday: 0, spentThisMonth: 25 }),
      'beyond',
      35,
    ],
    [
      'GPU time',
      quota('user', '1', 'gpu_hours_monthly', 10),
      using({ gpuHoursThisMonth: 5, waitingGpuHours: 2 }),
      'beyond',
      11,
    ],
    [
      'the team’s use',
      quota('team', '2', 'jobs_per_day', 5),
      using({ submittedToday: 5 }, 'team:2'),
      'beyond',
      6,
    ],
    [
      'not the person’s, for the team',
      quota('team', '2', 'jobs_per_day', 5),
      using({ submittedToday: 9 }),
      'fine',
    ],
    ['jobs at once queue', quota('user', '1', 'concurrent_jobs', 1), using({ running: 1 }), 'fine'],
    [
      'unless somebody is only to be told',
      quota('user', '1', 'concurrent_jobs', 1, 'notify'),
      using({ running: 1 }),
      'beyond',
      2,
    ],
  ])('%s', (_, given, uses, verdict, used) => {
    const [finding] = judgeSubmit([given], uses, ADA, NOW);
    expect(finding === undefined ? 'fine' : finding.isBeyond ? 'beyond' : 'warned').toBe(verdict);
    if (used !== undefined) expect(finding?.used).toBeCloseTo(used);
  });

  it.each<[string, Quota, Partial<Use>]>([
    [
      'the quota cost_monthly of the org 3 allows $100.00 a month; with this job it would be $105.50 a month',
      quota('org', '3', 'cost_monthly', 100),
      { spentThisMonth: 95.5 },
    ],
    [
      'the quota jobs_per_day of the org 3 allows 1 job a day; with this job it would be 2 jobs a day',
      quota('org', '3', 'jobs_per_day', 1),
      { submittedToday: 1 },
    ],
  ])('is told of in words: %s', (words, given, used) => {
    const [finding] = judgeSubmit([given], using(used, 'org:3'), ADA, NOW);
    expect(explainQuota(finding!)).toBe(words);
  });
});

it.each<[string, Quota, Partial<Use>, string | undefined]>([
  [
    'goes while there is money',
    quota('user', '1', 'cost_daily', 30),
    { spentToday: 20, waitingUsd: 500 },
    undefined,
  ],
  [
    'waits for the next day',
    quota('user', '1', 'cost_daily', 30),
    { spentToday: 21 },
    '2026-11-25T00:00:00.000Z',
  ],
  [
    'waits for the next month',
    quota('user', '1', 'cost_monthly', 30),
    { spentThisMonth: 21 },
    '2026-12-01T00:00:00.000Z',
  ],
  [
    'waits for no quota that only warns',
    quota('user', '1', 'cost_daily', 30, 'warn'),
    { spentToday: 99 },
    undefined,
  ],
  [
    'waits for no count: it was counted when it came',
    quota('user', '1', 'jobs_per_day', 1),
    { submittedToday: 5 },
    undefined,
  ],
])('a claim %s', (_, given, use, until) => {
  expect(waitsUntil([given], using(use), ADA, NOW)?.toISOString()).toBe(until);
});

it.each<[string, Quota, Partial<Use>, boolean | undefined]>([
  ['says nothing of less than most', quota('org', '3', 'cost_daily', 30), { spentToday: 23.9 }, undefined],
  ['says that most is used', quota('org', '3', 'cost_daily', 30), { spentToday: 20, waitingUsd: 4 }, false],
  ['says nothing else of all', quota('org', '3', 'cost_daily', 30), { spentToday: 30 }, false],
  ['says that more is used', quota('org', '3', 'gpu_hours_monthly', 3), { gpuHoursThisMonth: 3.1 }, true],
  ['says it of none that warns', quota('org', '3', 'cost_daily', 30, 'warn'), { spentToday: 31 }, undefined],
  ['says nothing of a count', quota('org', '3', 'jobs_per_day', 2), { submittedToday: 9 }, undefined],
  ['says nothing of what nobody uses', quota('org', '3', 'cost_daily', 0), {}, undefined],
])('the end of a run %s', (_, given, use, beyond) => {
  const found = judgeUsed([given], using(use, 'org:3'), ADA, NOW);
  expect(found.map(({ isBeyond }) => isBeyond)).toEqual(beyond === undefined ? [] : [beyond]);
});

it('neither refuses nor keeps a job that takes nothing of what is used up', () => {
  const given = [quota('user', '1', 'cost_daily', 30), quota('user', '1', 'gpu_hours_monthly', 10)];
  const uses = using({ spentToday: 31, gpuHoursThisMonth: 11 });
  const free = { ...ADA, usd: 0, gpuHours: 0 };
  expect(judgeSubmit(given, uses, free, NOW)).toEqual([]);
  expect(waitsUntil(given, uses, free, NOW)).toBeUndefined();
});

it.each([
  ['hour', '2026-11-24T20:59:59.999Z', '2026-11-24T20:00:00.000Z', '2026-11-24T21:00:00.000Z'],
  ['day', '2026-02-28T23:59:59.999Z', '2026-02-28T00:00:00.000Z', '2026-03-01T00:00:00.000Z'],
  ['month', '2026-12-31T23:59:59.999Z', '2026-12-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
  ['month', '2028-02-29T00:00:00.000Z', '2028-02-01T00:00:00.000Z', '2028-03-01T00:00:00.000Z'],
] as const)('a %s that holds %s', (period, at, start, end) => {
  expect(startOf(period, new Date(at)).toISOString()).toBe(start);
  expect(endOf(period, new Date(at)).toISOString()).toBe(end);
});
