import { Clock, createLogger, openRedis } from '@lineclear/kit';
import { startBackends, type Backends } from '@lineclear/testkit';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { RateLimit } from './rate-limit.js';

class TestClock extends Clock {
  laterMs = 0;
  override now(): Date {
    return new Date(Date.now() + this.laterMs);
  }
}

let backends: Backends;
let redis: Redis;
let made = 0;
const clock = new TestClock();

beforeAll(async () => {
  backends = await startBackends();
  redis = openRedis(backends.redis.url, createLogger({ name: 'test', format: 'json', level: 'silent' }));
  await redis.connect();
});
afterAll(async () => {
  redis?.disconnect();
  await backends?.stop();
});

/** Replicas of a service that has just this limit, and nobody has asked anything of it. */
function replicas(count: number, limit: number): RateLimit[] {
  made += 1;
  return Array.from({ length: count }, () => new RateLimit(redis, `test:${made}`, limit, clock));
}
const isAllowed = async (replica: RateLimit, key = 'ada'): Promise<boolean> =>
  (await replica.count(key)).isAllowed;
const allowedOf = (answers: readonly boolean[]): number => answers.filter(Boolean).length;

it('lets as many through as it says, one by one and all at once, and counts them down', async () => {
  for (const limit of [1, 7, 49, 50, 51, 120]) {
    const [one] = replicas(1, limit);
    const counted = [];
    for (let n = 0; n < limit + 3; n += 1) counted.push(await one!.count('ada'));
    expect(counted.map(({ remaining }) => remaining)).toEqual([
      ...Array.from({ length: limit }, (_, n) => limit - 1 - n),
      0,
      0,
      0,
    ]);
    expect(allowedOf(counted.map((each) => each.isAllowed))).toBe(limit);
    expect(counted.every((each) => each.resetSeconds >= 1 && each.resetSeconds <= 60)).toBe(true);

    const [another] = replicas(1, limit);
    const atOnce = await Promise.all(Array.from({ length: 2 * limit }, () => isAllowed(another!)));
    expect(allowedOf(atOnce)).toBe(limit);
  }
});

it('never lets more through than the limit with any number of replicas, and at most a block less one fewer for each other', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 260 }),
      fc.integer({ min: 1, max: 4 }),
      fc.infiniteStream(fc.nat()),
      async (limit, count, order) => {
        const all = replicas(count, limit);
        const block = Math.ceil(limit / 50);
        let allowed = 0;
        // A caller who goes on until one replica refuses.
        for (const turn of order) {
          if (!(await isAllowed(all[turn % count]!))) break;
          allowed += 1;
        }
        expect(allowed).toBeGreaterThanOrEqual(limit - (count - 1) * Math.max(0, block - 1) - (block - 1));
        for (const replica of all) while (await isAllowed(replica)) allowed += 1;
        expect(allowed).toBe(limit);
      },
    ),
    { numRuns: 40 },
  );
});

it('counts each key by itself', async () => {
  const [one] = replicas(1, 2);
  expect([await isAllowed(one!, 'a'), await isAllowed(one!, 'a'), await isAllowed(one!, 'a')]).toEqual([
    true,
    true,
    false,
  ]);
  expect(await isAllowed(one!, 'b')).toBe(true);
});

it('knows whom it refuses without asking', async () => {
  const [one, other] = replicas(2, 1);
  expect(one!.refusalOf('ada')).toBeUndefined();
  await one!.count('ada');
  expect(one!.refusalOf('ada')).toMatchObject({ isAllowed: false, remaining: 0 });
  expect(other!.refusalOf('ada')).toBeUndefined();
});

it('asks Redis once for each fiftieth of the limit', async () => {
  const takes = async (): Promise<number> => {
    const stats = await redis.info('commandstats');
    return [...stats.matchAll(/cmdstat_(?:eval|evalsha):calls=(\d+)/g)].reduce(
      (sum, [, n]) => sum + Number(n),
      0,
    );
  };
  const [one] = replicas(1, 5_000);
  await one!.count('warm');
  const before = await takes();
  for (let n = 0; n < 1_000; n += 1) await one!.count('ada');
  expect((await takes()) - before).toBe(10);
});

it('begins anew when the minute is over', async () => {
  const [one] = replicas(1, 3);
  for (let n = 0; n < 3; n += 1) await one!.count('ada');
  expect(await isAllowed(one!)).toBe(false);
  await redis.del(`test:${made}:ada`);
  clock.laterMs += 60_000;
  expect(await one!.count('ada')).toMatchObject({ isAllowed: true, remaining: 2 });
});

it('counts on by itself while Redis is away, and refuses nobody for it', async () => {
  const [one, other] = replicas(2, 100);
  const ten = async (replica: RateLimit) => Promise.all(Array.from({ length: 10 }, () => isAllowed(replica)));
  expect(allowedOf(await ten(one!))).toBe(10);
  await backends.redis.stop();
  await vi.waitFor(() => expect(redis.status).not.toBe('ready'));
  for (const replica of [one!, other!]) {
    let allowed = 0;
    while (await isAllowed(replica)) allowed += 1;
    expect(allowed).toBeGreaterThanOrEqual(90);
    expect(allowed).toBeLessThanOrEqual(110);
  }
});
