import { QUOTA_TYPES, type Quota, type QuotaScope, type QuotaType, type Use } from '@lineclear/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  boundsOf,
  impactsOf,
  limitFault,
  standingAt,
  teamLimitFault,
  UNITS,
  type Place,
} from './ceilings.js';

const place: Place = { userId: 7, level: 'researcher', orgId: 1, teamId: 3 };
const quota = (
  scope: QuotaScope,
  subject: string | number,
  limit: number,
  more: Partial<Quota> = {},
): Quota => ({
  scope,
  subject: String(subject),
  quota_type: 'concurrent_jobs',
  limit,
  action: 'block',
  ...more,
});
const useOf = (value: number): Use => Object.fromEntries(QUOTA_TYPES.map((type) => [type, value])) as Use;

describe('what bounds a person', () => {
  const example = [quota('org', 1, 100), quota('team', 3, 20), quota('user', 7, 50)];

  it.each<[string, Quota[], Partial<Place>, number | undefined, string | undefined, string | undefined]>([
    ['the promised example', example, {}, 20, 'user', 'team'],
    ['the example without a team', example, { teamId: undefined }, 50, 'user', 'user'],
    ['the example in another team', example, { teamId: 4 }, 50, 'user', 'user'],
    ['the example outside', example, { teamId: undefined, orgId: undefined }, 50, 'user', 'user'],
    ['no quota at all', [], {}, undefined, undefined, undefined],
    [
      'one of another type',
      [quota('user', 7, 1, { quota_type: 'cost_daily' })],
      {},
      undefined,
      undefined,
      undefined,
    ],
    ['others’ alone', [quota('user', 8, 1), quota('level', 'lead', 1)], {}, undefined, undefined, undefined],
    ['everyone’s', [quota('global', '*', 5)], {}, 5, 'global', 'global'],
    [
      'the level’s before everyone’s',
      [quota('global', '*', 5), quota('level', 'researcher', 9)],
      {},
      9,
      'level',
      'level',
    ],
    [
      'one’s own before the level’s',
      [quota('level', 'researcher', 9), quota('user', 7, 30)],
      {},
      30,
      'user',
      'user',
    ],
    ['the organisation alone', [quota('org', 1, 100)], {}, 100, undefined, 'org'],
    [
      'the organisation, where the team has none',
      [quota('org', 1, 10), quota('user', 7, 50)],
      {},
      10,
      'user',
      'org',
    ],
    [
      'a ceiling lowered below the team’s',
      [quota('org', 1, 10), quota('team', 3, 20)],
      {},
      10,
      undefined,
      'org',
    ],
    ['nothing, for which 0 stands', [quota('org', 1, 0), quota('user', 7, 50)], {}, 0, 'user', 'org'],
    ['the personal one of two as low', [quota('team', 3, 5), quota('user', 7, 5)], {}, 5, 'user', 'user'],
  ])('is %s', (_, quotas, more, limit, source, binding) => {
    const bounds = boundsOf('concurrent_jobs', { ...place, ...more }, quotas);
    expect([bounds.binding?.limit, bounds.source, bounds.binding?.scope]).toEqual([limit, source, binding]);
  });

  it('keeps ids of people, teams and organisations apart', () => {
    const same = { userId: 1, level: '1', orgId: 1, teamId: 1 };
    const quotas = [quota('user', 1, 4), quota('team', 1, 3), quota('org', 1, 2), quota('level', '1', 1)];
    expect(boundsOf('concurrent_jobs', same, quotas).ceilings.map(({ scope }) => scope)).toEqual([
      'user',
      'team',
      'org',
    ]);
  });
});

describe('what is left', () => {
  it('is what the fullest ceiling leaves, though another is lower', () => {
    const bounds = boundsOf('concurrent_jobs', place, [
      quota('org', 1, 100),
      quota('team', 3, 20),
      quota('user', 7, 5),
    ]);
    const at = { user: useOf(1), team: useOf(19), org: useOf(40) };
    expect(standingAt('concurrent_jobs', bounds, at)).toMatchObject({
      limit: 5,
      use: 1,
      remaining: 1,
      binding: { scope: 'user' },
      ceilings: [
        { scope: 'user', use: 1, remaining: 4 },
        { scope: 'team', use: 19, remaining: 1 },
        { scope: 'org', use: 40, remaining: 60 },
      ],
    });
  });

  it('is nothing below nothing', () => {
    const bounds = boundsOf('concurrent_jobs', place, [quota('team', 3, 2)]);
    const at = { user: useOf(1), team: useOf(5), org: useOf(5) };
    expect(standingAt('concurrent_jobs', bounds, at).remaining).toBe(0);
  });

  it('is not told where nothing is limited, nor without knowing the use', () => {
    const none = boundsOf('concurrent_jobs', place, []);
    const user = useOf(3);
    const unknown = { user, team: undefined, org: undefined };
    expect(standingAt('concurrent_jobs', none, unknown)).toMatchObject({
      use: 3,
      remaining: undefined,
      ceilings: [],
    });
    const team = boundsOf('concurrent_jobs', place, [quota('team', 3, 2)]);
    expect(() => standingAt('concurrent_jobs', team, unknown)).toThrow('the team');
  });
});

it('says of each ceiling on costs what a job would make of it', () => {
  const quotas = [
    quota('user', 7, 50, { quota_type: 'cost_daily', action: 'warn' }),
    quota('org', 1, 100, { quota_type: 'cost_daily' }),
    quota('org', 1, 41, { quota_type: 'cost_monthly' }),
    quota('user', 7, 1),
  ];
  const at = { user: useOf(30), team: useOf(30), org: useOf(40) };
  const standings = QUOTA_TYPES.map((type) => standingAt(type, boundsOf(type, place, quotas), at));
  const said = (cost: number) =>
    impactsOf(cost, standings).map(({ type, scope, after, exceeds }) => [type, scope, after, exceeds]);
  expect(said(20)).toEqual([
    ['cost_daily', 'user', 50, false],
    ['cost_daily', 'org', 60, false],
    ['cost_monthly', 'org', 60, true],
  ]);
  expect(said(0).some(([, , , exceeds]) => exceeds)).toBe(false);
  expect(impactsOf(20, [])).toEqual([]);
});

it.each<[QuotaType, number, boolean]>([
  ['concurrent_jobs', 0, true],
  ['concurrent_jobs', 1.5, false],
  ['jobs_per_hour', 0.1, false],
  ['jobs_per_day', 2.5, false],
  ['jobs_per_day', 2, true],
  ['cost_daily', 0.5, true],
  ['cost_monthly', 99.99, true],
  ['gpu_hours_monthly', 0.25, true],
])('takes for %s the limit %d: %s', (type, limit, isFine) => {
  expect(limitFault(type, limit) === undefined).toBe(isFine);
});

it.each<[number, number | undefined, string | undefined]>([
  [20, 100, undefined],
  [100, 100, undefined],
  [0, 0, undefined],
  [101, 100, "is above the organization's ceiling of 100"],
  [1, 0, "is above the organization's ceiling of 0"],
  [1_000_000, undefined, undefined],
])('takes for a team %d under a ceiling of %s: %s', (limit, ceiling, fault) => {
  expect(teamLimitFault(limit, ceiling)).toBe(fault);
});

describe('any tree of quotas', () => {
  const TYPES: readonly QuotaType[] = ['concurrent_jobs', 'cost_daily'];
  const [ORGS, TEAMS, USERS] = [2, 4, 3];
  const LEVELS = ['viewer', 'researcher'];
  /** Teams 1 and 2 are of organisation 1, 3 and 4 of organisation 2. */
  const orgOfTeam = (team: number): number => Math.ceil(team / 2);
  const upTo = (most: number) => fc.integer({ min: 1, max: most });
  const type = fc.constantFrom(...TYPES);
  const limit = fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined });
  /** A quota is set, or (without a limit) taken away; later steps lower and raise what earlier ones set. */
  const step = fc.oneof(
    fc.record({ scope: fc.constant('org' as const), of: upTo(ORGS), type, limit }),
    fc.record({ scope: fc.constant('team' as const), of: upTo(TEAMS), type, limit }),
    fc.record({ scope: fc.constant('user' as const), of: upTo(USERS), type, limit }),
    fc.record({ scope: fc.constant('level' as const), of: fc.constantFrom(...LEVELS), type, limit }),
    fc.record({ scope: fc.constant('global' as const), of: fc.constant('*'), type, limit }),
  );
  /** A person belongs to one organisation, or none, and to any of its teams. */
  const person = fc.record({
    userId: upTo(USERS),
    level: fc.constantFrom(...LEVELS),
    orgId: fc.option(upTo(ORGS), { nil: undefined }),
    teams: fc.subarray([1, 2, 3, 4]),
    use: fc.record({ user: fc.nat(40), team: fc.nat(40), org: fc.nat(40) }),
  });

  type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

  /** What is set after these steps, as the house keeps it and by name. A team's limit above its ceiling is refused. */
  function grow(steps: readonly Step[]) {
    const named = new Map<string, number>();
    const seen = { refused: 0, lowered: 0 };
    let quotas: Quota[] = [];
    for (const one of steps) {
      const name = `${one.scope} ${one.of} ${one.type}`;
      const ceiling = one.scope === 'team' ? named.get(`org ${orgOfTeam(one.of)} ${one.type}`) : undefined;
      const isAbove = one.limit !== undefined && ceiling !== undefined && one.limit > ceiling;
      if (one.limit !== undefined && (teamLimitFault(one.limit, ceiling) !== undefined) !== isAbove)
        throw new Error(`${one.limit} under ${ceiling} was judged wrongly`);
      if (isAbove) {
        seen.refused += 1;
        continue;
      }
      if (one.scope === 'org' && one.limit !== undefined && one.limit < (named.get(name) ?? 0))
        seen.lowered += 1;
      const set = quota(one.scope, one.of, one.limit ?? 0, { quota_type: one.type });
      quotas = quotas.filter(
        (q) => q.scope !== set.scope || q.subject !== set.subject || q.quota_type !== set.quota_type,
      );
      named.delete(name);
      if (one.limit === undefined) continue;
      named.set(name, one.limit);
      quotas.push(set);
    }
    return { named, quotas, seen };
  }

  it('bounds each person in each of their teams as a naive calculation does', () => {
    const seen = { refused: 0, lowered: 0, unbounded: 0, inSeveralTeams: 0 };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), person, (steps, { teams, use, ...who }) => {
        const tree = grow(steps);
        const limitOf = (...names: unknown[]): number => tree.named.get(names.join(' ')) ?? Infinity;
        const own = teams.filter((team) => orgOfTeam(team) === who.orgId);
        const at = { user: useOf(use.user), team: useOf(use.team), org: useOf(use.org) };
        const found = TYPES.flatMap((each) =>
          [undefined, ...own].map((teamId) => {
            const bounds = boundsOf(each, { ...who, teamId }, tree.quotas);
            const { limit: most = Infinity, remaining = Infinity, ceilings } = standingAt(each, bounds, at);
            return [most, remaining, ceilings.length];
          }),
        );
        const naive = TYPES.flatMap((each) =>
          ['no', ...own].map((team) => {
            const named = [limitOf('user', who.userId, each), limitOf('level', who.level, each)];
            const personal =
              [...named, limitOf('global', '*', each)].find((one) => one < Infinity) ?? Infinity;
            const limits = [personal, limitOf('team', team, each), limitOf('org', who.orgId, each)];
            const left = [limits[0]! - use.user, limits[1]! - use.team, limits[2]! - use.org];
            return [
              Math.min(...limits),
              Math.max(0, Math.min(...left)),
              limits.filter(Number.isFinite).length,
            ];
          }),
        );
        expect(found).toEqual(naive);
        seen.refused += tree.seen.refused;
        seen.lowered += tree.seen.lowered;
        if (found.some(([most]) => most === Infinity)) seen.unbounded += 1;
        if (own.length > 1) seen.inSeveralTeams += 1;
      }),
      { numRuns: 2_000 },
    );
    // The trees came upon all that they are about.
    expect(Object.entries(seen).filter(([, times]) => times < 10)).toEqual([]);
  });
});

it('has a unit for every type', () => {
  expect(Object.keys(UNITS)).toEqual([...QUOTA_TYPES]);
});
