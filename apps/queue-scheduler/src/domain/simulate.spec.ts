import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasRoom, keysOf, laneName } from './choice.js';
import { concerning, inTheWay, type Window } from './maintenance.js';
import { pick } from './pick.js';
import { charged } from './share.js';
import { BOUNDS, simulate, simulated, type Simulated } from './simulate.js';
import type { Prospect, Scene, Slot } from './snapshot.js';
import { sceneOfWorld } from './snapshot.fixture.js';
import { NOW_MS, world, type World } from './world.fixture.js';

const orderOf = ({ starts }: Simulated): string[] => [...starts.keys()];
/** A queue that cannot be got through at once. */
const busy = world.map((one): World => ({ ...one, maxConcurrent: Math.max(1, one.running.length) }));

/** The same as one would write it down first: at every start the policy looks at everything anew. */
function naive(scene: Scene): [id: string, atMs: number][] {
  const { snapshot, choice } = scene;
  let slots: Slot[] = [...scene.slots];
  let jobs: Prospect[] = [...choice.jobs];
  const used = new Map(choice.used);
  const starts: [string, number][] = [];
  let nowMs = snapshot.atMs;
  for (;;) {
    const halfLives = nowMs / 1_000 / snapshot.policy.halfLifeSeconds;
    const charge = (of: Slot | Prospect, amount: number): void => {
      for (const key of keysOf(of)) used.set(key, charged(used.get(key) ?? 0, amount, halfLives));
    };
    for (const slot of slots.filter(({ endsAtMs }) => endsAtMs <= nowMs)) {
      const age = (nowMs - slot.claimedAtMs) / 1_000 / snapshot.policy.halfLifeSeconds;
      if (slot.costs !== 1) charge(slot, slot.charge * (slot.costs - 1) * 2 ** -age);
    }
    slots = slots.filter(({ endsAtMs }) => endsAtMs > nowMs);
    const taken = new Map<string, number>();
    for (const { holder, takes } of slots.flatMap(({ holds }) => holds))
      taken.set(holder, (taken.get(holder) ?? 0) + takes);
    const at = {
      atMs: nowMs,
      halfLives,
      policy: snapshot.policy,
      decisions: snapshot.decisions + starts.length,
    };
    const room = slots.length < snapshot.maxConcurrent ? 1 : 0;
    const [next] = pick({ jobs, taken, used, nominal: choice.nominal }, room, at).picked;
    if (next) {
      starts.push([next.id, nowMs]);
      jobs = jobs.filter((job) => job !== next);
      charge(next, next.charge);
      slots.push({ ...next, claimedAtMs: nowMs, endsAtMs: Math.round(nowMs + next.seconds * 1_000) });
      continue;
    }
    if (slots.length === 0 || jobs.length === 0) return starts;
    nowMs = Math.min(...slots.map(({ endsAtMs }) => endsAtMs));
  }
}

it('starts whom the policy would pick from all that is there, at every moment', () => {
  fc.assert(
    fc.property(fc.oneof(world, busy), (given) => {
      const scene = sceneOfWorld(given);
      const found = simulated(scene);
      expect([...found.starts].map(([id, { atMs }]) => [id, atMs])).toEqual(naive(scene));
      expect(found.end).toBe(found.starts.size === scene.choice.jobs.length ? 'all' : 'kept');
    }),
    { numRuns: 500 },
  );
});

it('gives each job one place, never an earlier time to a later place, and goes beyond no ceiling', () => {
  fc.assert(
    fc.property(busy, (given) => {
      const scene = sceneOfWorld(given);
      const { starts } = simulated(scene);
      expect([...starts.values()].map(({ position }) => position)).toEqual([...starts].map((_, n) => n + 1));
      const times = [...starts.values()].map(({ atMs }) => atMs);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      const slots = scene.slots.map((slot) => ({ ...slot, position: 0 }));
      for (const job of scene.choice.jobs) {
        const start = starts.get(job.id);
        if (start)
          slots.push({
            ...job,
            position: start.position,
            claimedAtMs: start.atMs,
            endsAtMs: Math.round(start.atMs + job.seconds * 1_000),
          });
      }
      for (const atMs of new Set(times)) {
        const running = slots.filter(({ claimedAtMs, endsAtMs }) => claimedAtMs <= atMs && atMs < endsAtMs);
        const started = running.filter(({ claimedAtMs }) => claimedAtMs === atMs);
        if (started.length === 0) continue;
        expect(running.length).toBeLessThanOrEqual(given.maxConcurrent);
        for (const { position, holds: own } of started) {
          // A person whose level was changed has jobs with another ceiling each: what starts after this one had to keep its own.
          const until = running.filter((one) => one.position <= position);
          for (const { holder, atMost } of own) {
            const taken = until
              .flatMap(({ holds }) => holds.filter((hold) => hold.holder === holder))
              .reduce((sum, { takes }) => sum + takes, 0);
            expect(taken).toBeLessThanOrEqual(atMost);
          }
        }
      }
    }),
  );
});

it('finds in a part of the queue the beginning of what it finds in all of it', () => {
  fc.assert(
    fc.property(busy, fc.integer({ min: 1, max: 3 }), (given, n) => {
      const scene = sceneOfWorld(given);
      const all = orderOf(simulated(scene));
      const before = (job: Prospect): number =>
        scene.choice.jobs.filter((one) => laneName(one) === laneName(job) && one.ord < job.ord).length;
      const jobs = scene.choice.jobs.filter((job) => before(job) < n);
      const cutLanes = new Set(scene.choice.jobs.filter((job) => before(job) === n).map(laneName));
      const part = simulated({ ...scene, choice: { ...scene.choice, jobs, cutLanes } });
      expect(orderOf(part)).toEqual(all.slice(0, part.starts.size));
      expect(part.starts.size === all.length || part.end === 'cut').toBe(true);
    }),
    { numRuns: 500 },
  );
});

const window: fc.Arbitrary<Window> = fc
  .record({
    id: fc.nat(),
    of: fc.constantFrom(
      { kind: 'house' as const, name: '' },
      { kind: 'provider' as const, name: 'acme' },
      { kind: 'hardware' as const, name: 'a100*' },
    ),
    from: fc.integer({ min: -300, max: 3_000 }),
    seconds: fc.integer({ min: 1, max: 2_000 }),
  })
  .map(({ id, of, from, seconds }) => {
    const startsAtMs = NOW_MS + from * 1_000;
    return { ...of, id, startsAtMs, endsAtMs: startsAtMs + seconds * 1_000 };
  });

it('keeps out of every window of maintenance, and starts all that would start without', () => {
  fc.assert(
    fc.property(busy, fc.array(window, { maxLength: 3 }), (given, windows) => {
      const { choice } = sceneOfWorld(given);
      const { starts } = simulated(sceneOfWorld(given, windows));
      expect(new Set(starts.keys())).toEqual(new Set(simulated(sceneOfWorld(given)).starts.keys()));
      const started = choice.jobs.filter(({ id }) => starts.has(id));
      for (const { id, plannedSeconds } of started) {
        const machine = given.queue.find((job) => job.id === id)!;
        expect(inTheWay(concerning(windows, machine), plannedSeconds, starts.get(id)!.atMs)).toBeUndefined();
      }
    }),
    { numRuns: 500 },
  );
});

describe('how far it goes', () => {
  const many: World = {
    queue: Array.from({ length: 40 }, (_, ord) => ({
      userId: 1,
      teamId: null,
      orgId: null,
      provider: 'local',
      hardware: 'local',
      gpus: 1,
      band: 20,
      level: 'researcher',
      queuedAtMs: 0,
      charge: 1,
      id: `job ${ord}`,
      ord,
    })),
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
  const scene = sceneOfWorld(many);
  const withSnapshot = (more: object): Scene => ({ ...scene, snapshot: { ...scene.snapshot, ...more } });

  it.each([
    ['decisions', { ...BOUNDS, decisions: 7 }, 7],
    ['looks', { ...BOUNDS, looks: 9 }, 9],
    // The first ones take 60, 121, 182, 243 and 304 seconds.
    ['seconds', { ...BOUNDS, seconds: 500 }, 4],
  ])('is bounded in %s', (_, bounds, starts) => {
    expect(simulated(scene, bounds)).toMatchObject({ end: 'bound', starts: { size: starts } });
    expect(simulated(scene)).toMatchObject({ end: 'all', starts: { size: 40 } });
  });

  it('lets nobody start while the queue is paused, or where there is no room for ever', () => {
    expect(simulated(withSnapshot({ isPaused: true }))).toMatchObject({ end: 'kept', starts: { size: 0 } });
    const limits = [{ kind: 'provider' as const, name: 'local', atMost: null, isPaused: true }];
    expect(simulated(sceneOfWorld({ ...many, limits }))).toMatchObject({ end: 'kept', starts: { size: 0 } });
  });

  it('lets a lane that is held for money go on when its time has come', () => {
    const untilMs = scene.snapshot.atMs + 3_600_000;
    const jobs = scene.choice.jobs.map((job) => ({ ...job, heldUntilMs: untilMs }));
    const { starts, end } = simulated({ ...scene, choice: { ...scene.choice, jobs } });
    expect(end).toBe('all');
    expect(starts.get('job 0')).toEqual({ position: 1, atMs: untilMs });
  });

  it('starts nothing that would run into maintenance, and what was to wait for it when it is over', () => {
    const house = { id: 1, kind: 'house' as const, name: '' };
    const [startsAtMs, endsAtMs] = [scene.snapshot.atMs + 100_000, scene.snapshot.atMs + 900_000];
    const { starts, end } = simulated(sceneOfWorld(many, [{ ...house, startsAtMs, endsAtMs }]));
    expect(end).toBe('all');
    // The first takes 60 seconds, the second 121.
    expect(starts.get('job 0')).toEqual({ position: 1, atMs: scene.snapshot.atMs });
    expect(starts.get('job 1')).toEqual({ position: 2, atMs: endsAtMs });
  });

  it('stops before each start, with the queue as it is then', () => {
    const steps = simulate(scene);
    const seen = [steps.next(), steps.next()].map(({ value }) => value);
    for (const step of seen) if (step && 'job' in step) expect(hasRoom(step.job, new Map())).toBe(true);
    expect(seen).toMatchObject([{ job: { id: 'job 0' } }, { job: { id: 'job 1' } }]);
  });
});
