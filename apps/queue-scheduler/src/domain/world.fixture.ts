import type { Quota } from '@lineclear/contracts';
import fc from 'fast-check';
import { countByHolder, type Whose } from './holders.js';
import {
  compareRanks,
  hasRoom,
  keysOf,
  laneName,
  type Choice,
  type Moment,
  type Rank,
  type Waiting,
} from './choice.js';
import { ceilingsOf } from './pick.js';
import { poolHolds, poolName, poolsTaken, type Machine, type PoolLimit } from './pools.js';
import { charged } from './share.js';

export interface QueuedJob extends Whose, Machine {
  readonly id: string;
  readonly ord: number;
  readonly band: number;
  readonly level: string;
  readonly queuedAtMs: number;
  readonly charge: number;
}
/** A house with a queue, ceilings on orgs, their teams, people and machines, jobs that run, and what was used. */
export interface World {
  readonly queue: readonly QueuedJob[];
  readonly quotas: readonly Quota[];
  readonly limits: readonly PoolLimit[];
  readonly running: readonly (Whose & Machine)[];
  readonly used: ReadonlyMap<string, number>;
  readonly nominal: ReadonlyMap<string, number>;
  readonly maxConcurrent: number;
  readonly userMaxConcurrent: number;
  readonly guardEvery: number;
  readonly decisions: number;
}

export const NOW_MS = Date.UTC(2026, 5, 1);
const HALF_LIFE = 7 * 86_400;
const THRESHOLD = 3_600;

const LEVELS_OF_BANDS = new Map([
  [100, 'admin'],
  [25, 'researcher'],
  [20, 'researcher'],
]);
// Users 1 and 4 are in no org; 2 and 5 in the first, which has the teams 1 and 2; 3 and 6 in the second, with 3 and 4.
const ORG_OF: readonly (number | null)[] = [2, null, 1, 2, null, 1, 2];
const whose = fc
  .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 2 }))
  .map(([userId, team]): Whose => {
    const orgId = ORG_OF[userId] ?? null;
    return { userId, orgId, teamId: orgId === null || team === 0 ? null : (orgId - 1) * 2 + team };
  });
const machine: fc.Arbitrary<Machine> = fc.constantFrom(
  { provider: 'local', hardware: 'local', gpus: 1 },
  { provider: 'acme', hardware: 'a100', gpus: 1 },
  { provider: 'acme', hardware: 'a100x8', gpus: 8 },
  { provider: 'umbra', hardware: 'a100', gpus: 1 },
);
const subject = fc.oneof(
  fc.constant({ scope: 'global' as const, subject: '*' }),
  fc.constantFrom('admin', 'researcher').map((name) => ({ scope: 'level' as const, subject: name })),
  fc.integer({ min: 1, max: 6 }).map((id) => ({ scope: 'user' as const, subject: String(id) })),
  fc.integer({ min: 1, max: 4 }).map((id) => ({ scope: 'team' as const, subject: String(id) })),
  fc.integer({ min: 1, max: 2 }).map((id) => ({ scope: 'org' as const, subject: String(id) })),
);
const quota: fc.Arbitrary<Quota> = fc
  .tuple(
    subject,
    fc.integer({ min: 0, max: 6 }),
    fc.constantFrom('block' as const, 'block' as const, 'warn' as const),
  )
  .map(([about, limit, action]) => ({ ...about, quota_type: 'concurrent_jobs', limit, action }));
const limit: fc.Arbitrary<PoolLimit> = fc
  .tuple(
    fc.constantFrom(
      { kind: 'provider' as const, name: 'acme' },
      { kind: 'provider' as const, name: 'local' },
      { kind: 'hardware' as const, name: 'a100*' },
      { kind: 'hardware' as const, name: 'a100x8' },
    ),
    fc.option(fc.integer({ min: 0, max: 12 })),
    fc.constantFrom(false, false, false, true),
  )
  .map(([about, atMost, isPaused]) => ({ ...about, atMost, isPaused }));
const ages = fc.integer({ min: 0, max: 7_200 });

export const world: fc.Arbitrary<World> = fc
  .record({
    queue: fc.array(
      fc.tuple(whose, machine, fc.constantFrom(...LEVELS_OF_BANDS.keys()), ages, fc.constantFrom(1, 1, 8)),
      {
        maxLength: 40,
      },
    ),
    running: fc.array(fc.tuple(whose, machine), { maxLength: 16 }),
    quotas: fc.uniqueArray(quota, { maxLength: 6, selector: (one) => `${one.scope}/${one.subject}` }),
    limits: fc.uniqueArray(limit, { maxLength: 3, selector: ({ name }) => name }),
    used: fc.array(fc.tuple(whose, fc.double({ min: 0.01, max: 100, noNaN: true })), { maxLength: 8 }),
    nominal: fc.dictionary(
      fc.constantFrom('org:1', 'org:2', 'team:1', 'team:3'),
      fc.integer({ min: 0, max: 3 }),
      { maxKeys: 2 },
    ),
    maxConcurrent: fc.integer({ min: 1, max: 40 }),
    userMaxConcurrent: fc.integer({ min: 1, max: 6 }),
    guardEvery: fc.integer({ min: 2, max: 5 }),
    decisions: fc.integer({ min: 0, max: 9 }),
  })
  .map(({ queue, running, used, nominal, ...rest }) => ({
    ...rest,
    queue: queue
      // The longer it waits the earlier is its place.
      .toSorted((a, b) => b[3] - a[3])
      .map(([of, on, band, age, charge], ord) => ({
        ...of,
        ...on,
        id: `job_${ord.toString(16).padStart(32, '0')}`,
        ord,
        band,
        level: LEVELS_OF_BANDS.get(band) ?? '',
        // No two at the same moment: which of them is the older one nobody says.
        queuedAtMs: NOW_MS - age * 1_000 + ord,
        charge,
      })),
    running: running.map(([of, on]) => ({ ...of, ...on })),
    used: usedBy(used),
    nominal: new Map(Object.entries(nominal)),
  }));

/** User 4, who is first, is at the ceiling: behind him, in the same place that used nothing either, is user 1, who is next. */
export const behindOneWhoIsFull: World = {
  queue: [
    { userId: 4, orgId: null },
    { userId: 1, orgId: null },
    { userId: 5, orgId: 1 },
  ].map((of, ord) => ({
    ...of,
    teamId: null,
    provider: 'local',
    hardware: 'local',
    gpus: 1,
    id: `job_${String(ord).padStart(32, '0')}`,
    ord,
    band: 100,
    level: 'admin',
    queuedAtMs: NOW_MS + ord,
    charge: 1,
  })),
  running: [{ userId: 4, orgId: null, teamId: null, provider: 'local', hardware: 'local', gpus: 1 }],
  quotas: [],
  limits: [],
  used: new Map(),
  nominal: new Map(),
  maxConcurrent: 3,
  userMaxConcurrent: 1,
  guardEvery: 2,
  decisions: 0,
};

/** Users 4 and 1 used nothing: that user 4 also waits, and for longer, where nobody may run does not bring him before user 1. */
export const behindOneWhoseOtherPoolIsPaused: World = {
  ...behindOneWhoIsFull,
  queue: behindOneWhoIsFull.queue.map((job, n) => ({
    ...job,
    userId: n === 1 ? 1 : 4,
    orgId: null,
    provider: n === 0 ? 'acme' : 'local',
  })),
  running: [],
  limits: [{ kind: 'provider', name: 'acme', atMost: null, isPaused: true }],
  maxConcurrent: 1,
};

/** What each used of what was charged to it and to whom it belongs. */
function usedBy(charges: readonly (readonly [Whose, number])[]): Map<string, number> {
  const used = new Map<string, number>();
  for (const [of, charge] of charges)
    for (const key of keysOf(pathOf(of)))
      used.set(key, charged(used.get(key) ?? 0, charge, moment({}).halfLives));
  return used;
}

const pathOf = ({ userId, teamId, orgId }: Whose) => ({ user: userId, team: teamId ?? 0, org: orgId ?? 0 });

export const moment = ({
  guardEvery = 4,
  decisions = 0,
}: Partial<Pick<World, 'guardEvery' | 'decisions'>>): Moment => ({
  atMs: NOW_MS,
  halfLives: NOW_MS / 1_000 / HALF_LIFE,
  policy: { halfLifeSeconds: HALF_LIFE, starvationThresholdSeconds: THRESHOLD, guardEvery },
  decisions,
});

export const roomIn = ({ maxConcurrent, running }: World): number =>
  Math.max(0, maxConcurrent - running.length);

/** The whole of the queue as the policy sees it. */
export function choiceOf({
  queue,
  quotas,
  limits,
  running,
  used,
  nominal,
  userMaxConcurrent,
}: World): Choice<Waiting> {
  return {
    jobs: queue.map((job) => ({
      ...job,
      ...pathOf(job),
      pool: poolName(job),
      holds: [...ceilingsOf(quotas, job, userMaxConcurrent), ...poolHolds(limits, job)],
    })),
    taken: new Map<string, number>([
      ...countByHolder(running),
      ...poolsTaken(
        limits,
        running.map((one) => ({ ...one, running: 1 })),
      ),
    ]),
    used,
    nominal,
  };
}

/** The policy as one would write it down first: for each slot everything is looked at anew. */
export function naivePick(given: World): string[] {
  const { jobs, taken, used, nominal } = choiceOf(given);
  const at = moment(given);
  const now = new Map(taken);
  const keys = new Map(used);
  let left = [...jobs].toSorted((a, b) => a.ord - b.ord);
  const picked: string[] = [];
  const rankOf = (holder: string, key: string, ord: number): Rank => [
    (now.get(holder) ?? 0) >= (nominal.get(holder) ?? Infinity) ? 1 : 0,
    keys.get(key) ?? 0,
    ord,
  ];
  const ranks = (job: Waiting): Rank[] => {
    const [org, team, user] = keysOf(job);
    return [
      rankOf(`org:${job.org}`, org, job.org),
      rankOf(`team:${job.team}`, team, job.team),
      rankOf(`user:${job.user}`, user, job.ord),
    ];
  };
  while (picked.length < roomIn(given)) {
    const heads = left.filter((job, n) => left.findIndex((one) => laneName(one) === laneName(job)) === n);
    const open = heads.filter((job) => hasRoom(job, now));
    const overdue = open
      .filter(({ queuedAtMs }) => queuedAtMs <= NOW_MS - THRESHOLD * 1_000)
      .toSorted((a, b) => a.queuedAtMs - b.queuedAtMs || a.ord - b.ord);
    const inTurn = open.toSorted((a, b) => {
      if (a.band !== b.band) return b.band - a.band;
      const [one, other] = [ranks(a), ranks(b)];
      return one.map((rank, n) => compareRanks(rank, other[n] ?? rank)).find((by) => by !== 0) ?? 0;
    });
    const isGuardsTurn = (given.decisions + picked.length + 1) % given.guardEvery === 0;
    const next = (isGuardsTurn ? overdue[0] : undefined) ?? inTurn[0];
    if (!next) break;
    left = left.filter((job) => job !== next);
    picked.push(next.id);
    for (const { holder, takes } of next.holds) now.set(holder, (now.get(holder) ?? 0) + takes);
    for (const key of keysOf(next)) keys.set(key, charged(keys.get(key) ?? 0, next.charge, at.halfLives));
  }
  return picked;
}
