import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keysOf } from './choice.js';
import { whyBefore, type Why } from './explain.js';
import { pick } from './pick.js';
import { simulate } from './simulate.js';
import type { Prospect, Scene } from './snapshot.js';
import { sceneOfWorld } from './snapshot.fixture.js';
import { choiceOf, moment, NOW_MS, roomIn, world, type QueuedJob, type World } from './world.fixture.js';

/** Which of the first two jobs starts first, and why. */
function explained(scene: Scene): { first: Prospect; other: Prospect; why: Why } | undefined {
  const both = scene.choice.jobs.slice(0, 2);
  for (const step of simulate(scene)) {
    const other = both.find((job) => job !== step.job);
    if (both.includes(step.job) && other) return { first: step.job, other, why: whyBefore(step, other) };
  }
  return undefined;
}

it('names whom the policy takes first, with a reason that is true', () => {
  fc.assert(
    fc.property(world, (given) => {
      const two = { ...given, queue: given.queue.slice(0, 2) };
      fc.pre(two.queue.length === 2);
      const found = explained(sceneOfWorld(two));
      const [next] = pick(choiceOf(two), Math.min(1, roomIn(two)), moment(two)).picked;
      if (next) expect(found?.first.id).toBe(next.id);
      if (!found) return;
      const { first, other, why } = found;
      if (why.reason === 'band') expect(first.band).toBeGreaterThan(other.band);
      if (why.reason === 'share')
        expect(why.figures['used_usd']).toBeLessThanOrEqual(why.figures['other_used_usd']!);
      if (why.reason === 'first_in' && why.of === null) {
        expect(keysOf(first)).toEqual(keysOf(other));
        expect(first.ord).toBeLessThan(other.ord);
      }
      if (why.reason === 'limit') expect(other.holds.map(({ holder }) => holder)).toContain(why.limit);
      if (why.reason === 'own_slots') expect(two.nominal.size).toBeGreaterThan(0);
    }),
    { numRuns: 1_000 },
  );
});

describe('two jobs', () => {
  const job = (id: string, more: Partial<QueuedJob> = {}): QueuedJob => ({
    id,
    userId: 1,
    teamId: null,
    orgId: null,
    provider: 'local',
    hardware: 'local',
    gpus: 1,
    band: 20,
    level: 'researcher',
    queuedAtMs: NOW_MS,
    charge: 1,
    ord: Number.parseInt(id, 36),
    ...more,
  });
  const EMPTY: Omit<World, 'queue'> = {
    quotas: [],
    limits: [],
    running: [],
    used: new Map(),
    nominal: new Map(),
    maxConcurrent: 1,
    userMaxConcurrent: 5,
    guardEvery: 4,
    decisions: 0,
  };
  const why = (queue: QueuedJob[], more: Partial<World> = {}): string => {
    const found = explained(sceneOfWorld({ ...EMPTY, queue, ...more }));
    if (!found) return 'neither';
    const { reason, of, limit } = found.why;
    return [found.first.id, reason, of, limit].filter((one) => one !== null).join(' ');
  };
  const used = (of: QueuedJob, halfLives: number): ReadonlyMap<string, number> =>
    new Map(
      keysOf({ org: of.orgId ?? 0, team: of.teamId ?? 0, user: of.userId }).map((key) => [key, halfLives]),
    );
  const now = moment({}).halfLives;
  const org = (id: string, orgId: number): QueuedJob => job(id, { userId: orgId, orgId });

  it.each([
    ['the higher band', why([job('a'), job('b', { band: 40 })]), 'b band'],
    ['who came first of one owner', why([job('a'), job('b')]), 'a first_in'],
    [
      'the owner who came first, where both used the same',
      why([job('a'), job('b', { userId: 2 })]),
      'a first_in user',
    ],
    [
      'the owner who used less',
      why([job('a'), job('b', { userId: 2 })], { used: used(job('a'), now) }),
      'b share user',
    ],
    [
      'the organisation that used less',
      why([org('a', 1), org('b', 2)], { used: used(org('a', 1), now) }),
      'b share org',
    ],
    [
      'the team that used less',
      why([job('a', { orgId: 1, teamId: 1 }), job('b', { orgId: 1, teamId: 2 })], {
        used: new Map([['1/1', now]]),
      }),
      'b share team',
    ],
    [
      'who has slots of its own left',
      why([org('a', 1), org('b', 2)], { nominal: new Map([['org:1', 0]]) }),
      'b own_slots org',
    ],
    [
      'whom no limit keeps',
      why([job('a', { band: 40 }), job('b', { hardware: 'a100' })], {
        limits: [{ kind: 'hardware', name: 'local', atMost: 0, isPaused: false }],
      }),
      'b limit hardware:local',
    ],
    [
      'who waited too long, when it is his turn',
      why([job('a', { queuedAtMs: 0 }), job('b', { band: 40, userId: 2 })], { decisions: 3 }),
      'a overdue',
    ],
    [
      'nobody, where nothing goes',
      why([job('a'), job('b')], {
        limits: [{ kind: 'provider', name: 'local', atMost: null, isPaused: true }],
      }),
      'neither',
    ],
  ])('%s', (_, found, expected) => {
    expect(found).toBe(expected);
  });

  it('says what was used in dollars of then', () => {
    const scene = sceneOfWorld({
      ...EMPTY,
      queue: [job('a'), job('b', { userId: 2 })],
      used: new Map([...used(job('a'), now + 2), ...used(job('b', { userId: 2 }), now + 1)]),
    });
    expect(explained(scene)?.why.figures).toEqual({ used_usd: 2, other_used_usd: 4 });
  });

  it('names money that is used up', () => {
    const scene = sceneOfWorld({ ...EMPTY, queue: [job('a', { band: 40 }), job('b', { userId: 2 })] });
    const jobs = scene.choice.jobs.map((one) => ({
      ...one,
      heldUntilMs: one.id === 'a' ? NOW_MS + 60_000 : null,
    }));
    expect(explained({ ...scene, choice: { ...scene.choice, jobs } })).toMatchObject({
      first: { id: 'b' },
      why: { reason: 'budget' },
    });
  });

  it('names maintenance that the other one would run into', () => {
    const window = { id: 7, kind: 'house' as const, name: '' };
    const house = { ...EMPTY, queue: [job('a', { userId: 2 }), job('b', { band: 40 })] };
    const [a, b] = sceneOfWorld(house).choice.jobs.map(({ plannedSeconds }) => plannedSeconds);
    expect(b).toBeGreaterThan(a!);
    const startsAtMs = NOW_MS + b! * 1_000 - 1;
    const windows = [{ ...window, startsAtMs, endsAtMs: startsAtMs + 60_000 }];
    expect(explained(sceneOfWorld(house, windows))).toMatchObject({
      first: { id: 'a' },
      why: { reason: 'maintenance', limit: 'maintenance:7' },
    });
  });
});
