import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasRoom, type Waiting } from './choice.js';
import { pick, pickAtOnce, takingsOf } from './pick.js';
import { choiceOf, moment, naivePick, roomIn, world } from './world.fixture.js';

it('agrees with a naive calculation on any tree of ceilings, pools and shares', () => {
  fc.assert(
    fc.property(world, (given) => {
      const { picked, isCut } = pick(choiceOf(given), roomIn(given), moment(given));
      expect(picked.map(({ id }) => id)).toEqual(naivePick(given));
      expect(isCut).toBe(false);
    }),
    { numRuns: 2_000 },
  );
});

it('keeps every ceiling, idles no slot, and lets nobody pass a higher band but in the share of the guard', () => {
  fc.assert(
    fc.property(world, (given) => {
      const choice = choiceOf(given);
      const { picked } = pick(choice, roomIn(given), moment(given));
      const held = new Map(choice.taken);
      for (const { holds } of picked)
        for (const { holder, takes, atMost } of holds) {
          held.set(holder, (held.get(holder) ?? 0) + takes);
          expect(held.get(holder)).toBeLessThanOrEqual(atMost);
        }
      expect(new Set(picked).size).toBe(picked.length);
      expect(picked.length).toBeLessThanOrEqual(roomIn(given));

      const left = choice.jobs.filter((job) => !picked.includes(job));
      // Work-conserving: someone is left out only for a ceiling.
      if (picked.length < roomIn(given)) expect(left.filter((job) => hasRoom(job, held))).toEqual([]);
      const passed = picked.filter(({ band }) => left.some((job) => job.band > band && hasRoom(job, held)));
      const turns = Math.ceil(picked.length / given.guardEvery);
      expect(passed.length).toBeLessThanOrEqual(turns);
    }),
  );
});

it('picks from a part of the queue the beginning of what it picks from all of it', () => {
  fc.assert(
    fc.property(world, fc.integer({ min: 1, max: 6 }), (given, n) => {
      const whole = choiceOf(given);
      const all = pick(whole, roomIn(given), moment(given)).picked.map(({ id }) => id);
      // Of each lane so many jobs are here, and it is said that there are more.
      const laneOf = ({ band, org, team, user, pool }: Waiting): string =>
        `${band}:${org}/${team}/${user} ${pool}`;
      const jobs = whole.jobs.filter(
        (job) => whole.jobs.filter((one) => laneOf(one) === laneOf(job) && one.ord < job.ord).length < n,
      );
      const part = pick(
        { ...whole, jobs, cutLanes: new Set(jobs.map(laneOf)) },
        roomIn(given),
        moment(given),
      );
      const got = part.picked.map(({ id }) => id);
      expect(got).toEqual(all.slice(0, got.length));
      expect(got.length === all.length || part.isCut).toBe(true);
    }),
  );
});

it('takes at once only what it would take from the queue, and all of it where there is room for all', () => {
  fc.assert(
    fc.property(world, (given) => {
      const { jobs, taken } = choiceOf(given);
      const { picked } = pick(choiceOf(given), roomIn(given), moment(given));
      const atOnce = pickAtOnce(jobs, roomIn(given), taken);
      expect(picked.map(({ id }) => id)).toEqual(expect.arrayContaining(atOnce.map(({ id }) => id)));
    }),
    { numRuns: 1_000 },
  );
});

describe('one queue', () => {
  const job = (id: string, more: Partial<Waiting> = {}): Waiting => ({
    id,
    ord: Number.parseInt(id, 36),
    band: 10,
    org: 0,
    team: 0,
    user: 1,
    pool: 'p',
    queuedAtMs: 0,
    charge: 1,
    holds: [],
    ...more,
  });
  const choice = (jobs: readonly Waiting[], more: object = {}) => ({
    jobs,
    taken: new Map(),
    used: new Map<string, number>(),
    nominal: new Map(),
    ...more,
  });
  const at = { ...moment({}), policy: { ...moment({}).policy, starvationThresholdSeconds: 1e12 } };
  const ids = (jobs: readonly Waiting[], room: number, more: object = {}): string =>
    pick(choice(jobs, more), room, at)
      .picked.map(({ id }) => id)
      .join('');

  it('goes round between users, and is first in, first out within one', () => {
    const jobs = [
      job('a'),
      job('b'),
      job('c'),
      job('d', { user: 2 }),
      job('e', { user: 2 }),
      job('f', { user: 3 }),
    ];
    expect(ids(jobs, 6)).toBe('adfbec');
  });

  it('gives teams turns before their users, and orgs before their teams', () => {
    const jobs = [
      job('a', { org: 1, team: 1, user: 1 }),
      job('b', { org: 1, team: 1, user: 2 }),
      job('c', { org: 1, team: 2, user: 3 }),
      job('d', { org: 2, team: 3, user: 4 }),
      job('e', { org: 2, team: 3, user: 4 }),
      job('f', { org: 2, team: 3, user: 4 }),
    ];
    expect(ids(jobs, 6)).toBe('adcebf');
  });

  it('lets who borrows go after who is within what is his own', () => {
    const jobs = [
      job('a', { org: 1, user: 1 }),
      job('b', { org: 1, user: 1 }),
      job('c', { org: 2, user: 2 }),
      job('d', { org: 2, user: 2 }),
    ];
    const holds = jobs.map((one) => ({
      ...one,
      holds: [{ holder: `org:${one.org}`, takes: 1, atMost: Infinity }],
    }));
    expect(
      ids(holds, 4, {
        nominal: new Map([
          ['org:1', 1],
          ['org:2', 9],
        ]),
      }),
    ).toBe('acdb');
  });

  it('hides nobody behind a big job whose pool is full', () => {
    const full = [{ holder: 'hardware:a100*', takes: 8, atMost: 8 }];
    const jobs = [job('a', { pool: 'a100/8', holds: full }), job('b', { pool: 'local/1' })];
    expect(ids(jobs, 2, { taken: new Map([['hardware:a100*', 1]]) })).toBe('b');
  });

  it('asks last whether a job can be afforded; its lane waits then, others do not', () => {
    const asked: string[] = [];
    const { picked } = pick(
      choice([job('a'), job('b'), job('c', { pool: 'q' }), job('d', { user: 2 })]),
      9,
      at,
      ({ id }) => {
        asked.push(id);
        return id !== 'a';
      },
    );
    expect(picked.map(({ id }) => id)).toEqual(['c', 'd']);
    expect(asked).toEqual(['a', 'c', 'd']);
  });

  it('counts slots by whom they are of', () => {
    const holds = [
      { holder: 'user:1', takes: 1, atMost: 3 },
      { holder: 'provider:acme', takes: 1, atMost: 9 },
    ];
    expect(takingsOf([job('a', { holds }), job('b', { holds })])).toEqual([
      { holder: 'user:1', jobs: 2, atMost: 3 },
    ]);
  });
});

/** Time goes by: a slot is free whenever a job ends, and whoever is next gets it. */
function simulate(
  slots: number,
  until: number,
  arrivals: (second: number) => Waiting[],
  threshold: number,
): Map<string, { readonly job: Waiting; readonly startedAt: number }> {
  const policy = { halfLifeSeconds: 86_400, starvationThresholdSeconds: threshold, guardEvery: 4 };
  const started = new Map<string, { readonly job: Waiting; readonly startedAt: number }>();
  const used = new Map<string, number>();
  let running: { readonly endsAt: number }[] = [];
  let queue: Waiting[] = [];
  for (let second = 0; second < until; second += 1) {
    queue.push(...arrivals(second));
    running = running.filter(({ endsAt }) => endsAt > second);
    const { picked } = pick(
      { jobs: queue, taken: new Map(), used, nominal: new Map() },
      slots - running.length,
      {
        atMs: second * 1_000,
        halfLives: second / policy.halfLifeSeconds,
        policy,
        decisions: started.size,
      },
    );
    for (const job of picked) {
      started.set(job.id, { job, startedAt: second });
      running.push({ endsAt: second + job.charge * 3_600 });
      for (const key of [`${job.org}`, `${job.org}/${job.team}`, `${job.org}/${job.team}/${job.user}`])
        used.set(key, chargedAt(used.get(key) ?? 0, job.charge, second / policy.halfLifeSeconds));
    }
    queue = queue.filter((job) => !picked.includes(job));
  }
  return started;
}
const chargedAt = (key: number, charge: number, at: number): number =>
  at + Math.log2(2 ** (key - at) + charge);

describe('over time', () => {
  it('gives equal users equal slot-seconds within 5 %, however many jobs and however long ones each has', () => {
    const lengths = fc.array(fc.integer({ min: 5, max: 40 }), { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 2 }), (seconds, slots) => {
        // All of them always have jobs; each user's are of one length.
        const total = 2_000;
        const jobOf = (user: number, length: number, n: number): Waiting => ({
          id: `${user}-${n}`,
          ord: n,
          band: 10,
          org: 0,
          team: 0,
          user,
          pool: 'p',
          queuedAtMs: 0,
          charge: length / 3_600,
          holds: [],
        });
        const arrivals = (second: number): Waiting[] =>
          seconds.flatMap((length, user) =>
            second === 0
              ? [1, 2, 3, 4, 5].map((n) => jobOf(user, length, n))
              : second % Math.floor(length / slots) === 0
                ? [jobOf(user, length, second + 5)]
                : [],
          );
        const started = simulate(slots, total, arrivals, 1e12);
        const got = seconds.map((length, user) =>
          [...started.values()]
            .filter(({ job }) => job.user === user)
            .reduce((sum, { startedAt }) => sum + Math.min(length, total - startedAt), 0),
        );
        const mean = got.reduce((sum, one) => sum + one, 0) / got.length;
        // One job more or less is as equal as jobs that are not cut in two can be.
        for (const one of got)
          expect(Math.abs(one - mean)).toBeLessThanOrEqual(Math.max(mean * 0.05, Math.max(...seconds)));
      }),
      { numRuns: 6 },
    );
  });

  it('starts a viewer within the promised bound under an endless stream of admins', () => {
    const [slots, length, threshold, every] = [3, 10, 120, 4];
    const job = (id: string, band: number, second: number): Waiting => ({
      id,
      ord: second,
      band,
      org: 0,
      team: 0,
      user: band,
      pool: 'p',
      queuedAtMs: second * 1_000,
      charge: length / 3_600,
      holds: [],
    });
    const started = simulate(
      slots,
      600,
      (second) => [job(`admin ${second}`, 80, second), ...(second === 50 ? [job('viewer', 10, second)] : [])],
      threshold,
    );
    const waited = (started.get('viewer')?.startedAt ?? Infinity) - 50;
    expect(waited).toBeGreaterThanOrEqual(threshold);
    // The guard's turn comes with every fourth start, and one starts whenever a slot is free.
    expect(waited).toBeLessThanOrEqual(threshold + every * Math.ceil(length / slots));
  });
});
