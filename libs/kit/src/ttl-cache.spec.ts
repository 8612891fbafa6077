import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Metrics } from './metrics.js';
import { TestClock } from './test-clock.fixture.js';
import { TtlCache, type TtlCacheOptions } from './ttl-cache.js';

let clock: TestClock;
beforeEach(() => {
  clock = new TestClock();
});

const cacheOf = <Value = number>(more: Partial<TtlCacheOptions> = {}): TtlCache<Value> =>
  new TtlCache({ clock, ttlMs: 100, maxEntries: 10, ...more });

/** A load that ends when the test says so. */
function slowLoad<Value = number>() {
  const { promise, resolve, reject } = withResolvers<Value>();
  return { load: vi.fn(() => promise), finish: resolve, fail: reject };
}

function withResolvers<Value>() {
  let resolve!: (value: Value) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<Value>((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
}

describe('time', () => {
  it.each([
    [undefined, 99, true],
    [undefined, 100, false],
    [7, 6, true],
    [7, 7, false],
    [1, 0, true],
    [1, 1, false],
    [0.5, 0, true],
    [0.5, 1, false],
    [0, 0, false],
    [-1, 0, false],
    [Number.NaN, 0, false],
    [Infinity, 1e15, true],
  ])('an entry set for %s ms counts after %d ms: %s', (ttlMs, ageMs, counts) => {
    const cache = cacheOf();
    cache.set('a', 1, ttlMs);
    clock.ms += ageMs;
    expect([cache.has('a'), cache.get('a')]).toEqual([counts, counts ? 1 : undefined]);
  });

  it('begins anew with each set, not with each get', () => {
    const cache = cacheOf();
    cache.set('a', 1);
    clock.ms = 60;
    expect(cache.get('a')).toBe(1);
    cache.set('b', 1);
    clock.ms = 110;
    cache.set('b', 2);
    expect(cache.get('a')).toBeUndefined();
    clock.ms = 190;
    expect(cache.get('b')).toBe(2);
  });

  it('ends what is set for no time at once, also when there was something before', () => {
    const cache = cacheOf();
    cache.set('a', 1);
    cache.set('a', 2, 0);
    expect(cache.get('a')).toBeUndefined();
  });
});

describe('room', () => {
  it('is made by what was used least lately: a key that is read all the time stays', () => {
    const cache = cacheOf({ maxEntries: 3 });
    cache.set('busy', 0);
    for (let n = 0; n < 50; n += 1) {
      expect(cache.get('busy')).toBe(0);
      cache.set(`other ${n}`, n);
    }
    expect(cache.get('busy')).toBe(0);
    expect(cache.stats()).toMatchObject({ size: 3, maxEntries: 3, evictions: 48 });
  });

  it('is not kept by a look that uses nothing', () => {
    const cache = cacheOf({ maxEntries: 2 });
    cache.set('a', 1);
    cache.set('b', 1);
    expect(cache.has('a')).toBe(true);
    cache.set('c', 1);
    expect([cache.has('a'), cache.has('b')]).toEqual([false, true]);
    expect(cache.stats()).toMatchObject({ hits: 0, misses: 0 });
  });

  it('is bounded: a million keys take no more of it than the last few', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const cache = cacheOf<string>({ maxEntries: 1_000, ttlMs: 1_000 });
    const fill = (from: number, to: number): number => {
      for (let n = from; n < to; n += 1) {
        clock.ms += n % 2;
        cache.set(`key ${n}`, `value ${n}`);
      }
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = fill(0, 100_000);
    expect(fill(100_000, 1_000_000) - before).toBeLessThan(1_000_000);
    expect(cache.size).toBe(1_000);
  });
});

describe('clean-up', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  it('throws away what has ended and nobody asks for, and rests when nothing is left', () => {
    const cache = cacheOf({ cleanUpMs: 1_000 });
    cache.set('a', 1);
    cache.set('b', 1, 500);
    clock.ms = 100;
    expect(cache.stats()).toMatchObject({ size: 2, expiredCount: 1 });
    vi.advanceTimersByTime(999);
    expect(cache.size).toBe(2);
    vi.advanceTimersByTime(1);
    expect(cache.stats()).toMatchObject({ size: 1, expiredCount: 0 });
    clock.ms = 500;
    vi.advanceTimersByTime(1_000);
    expect([cache.size, vi.getTimerCount()]).toEqual([0, 0]);
  });

  it('comes every minute if nothing else is said', () => {
    const cache = cacheOf();
    cache.set('a', 1);
    clock.ms = 100;
    vi.advanceTimersByTime(59_999);
    expect(cache.size).toBe(1);
    vi.advanceTimersByTime(1);
    expect(cache.size).toBe(0);
  });
});

it('holds no process open', () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((what) => what === 'Timeout').length;
  const before = timers();
  cacheOf().set('a', 1);
  expect(timers()).toBe(before);
  // One that does would be seen.
  const holding = setTimeout(() => undefined, 60_000);
  expect(timers()).toBe(before + 1);
  clearTimeout(holding);
});

describe('a load', () => {
  it('is one for all who wait for it', async () => {
    const cache = cacheOf();
    const load = vi.fn(async () => 5);
    const all = await Promise.all(Array.from({ length: 20 }, () => cache.getOrLoad('a', load)));
    expect(all).toEqual(Array(20).fill(5));
    expect(await cache.getOrLoad('a', load)).toBe(5);
    expect(load).toHaveBeenCalledTimes(1);
    expect(cache.stats()).toMatchObject({ hits: 1, misses: 20 });
  });

  it.each([
    ['later', () => Promise.reject(new Error('no'))],
    [
      'at once',
      () => {
        throw new Error('no');
      },
    ],
  ])('that fails %s fails for all who wait, and is not kept', async (_, load) => {
    const cache = cacheOf();
    const outcomes = await Promise.allSettled([cache.getOrLoad('a', load), cache.getOrLoad('a', load)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await cache.getOrLoad('a', async () => 7)).toBe(7);
  });

  it.each([
    ['deleted', (cache: TtlCache<number>) => void cache.delete('a1')],
    ['deleted by its prefix', (cache: TtlCache<number>) => void cache.deletePrefix('a')],
    ['deleted by what was in others', (cache: TtlCache<number>) => void cache.deleteWhere(() => false)],
    ['cleared', (cache: TtlCache<number>) => void cache.clear()],
  ])('of a key that is %s meanwhile is for its callers alone', async (_, drop) => {
    const cache = cacheOf();
    const [old, fresh] = [slowLoad(), slowLoad()];
    const early = cache.getOrLoad('a1', old.load);
    drop(cache);
    const late = cache.getOrLoad('a1', fresh.load);
    fresh.finish(2);
    expect(await late).toBe(2);
    old.finish(1);
    expect(await early).toBe(1);
    expect(cache.get('a1')).toBe(2);
  });

  it('of a key with another prefix goes on', async () => {
    const cache = cacheOf();
    const { load, finish } = slowLoad();
    const waiting = cache.getOrLoad('b', load);
    cache.deletePrefix('a');
    finish(1);
    await waiting;
    expect(cache.get('b')).toBe(1);
  });

  it('gives way to what is set meanwhile', async () => {
    const cache = cacheOf();
    const { load, finish } = slowLoad();
    const waiting = cache.getOrLoad('a', load);
    cache.set('a', 2);
    finish(1);
    expect(await waiting).toBe(1);
    expect(cache.get('a')).toBe(2);
  });

  it.each([
    ['null', null, undefined, 2],
    ['undefined', undefined, undefined, 2],
    ['null, for a while,', null, 10, 1],
    ['undefined, for a while,', undefined, 10, 1],
    ['a value, not to be kept,', 1, 0, 2],
    ['a value', 1, undefined, 1],
  ])('that brings %s is made so often for two questions: %#', async (_, value, ttlMs, times) => {
    const cache = cacheOf<number | null | undefined>();
    const load = vi.fn(async () => value);
    for (let n = 0; n < 2; n += 1) expect(await cache.getOrLoad('a', load, () => ttlMs)).toBe(value);
    expect(load).toHaveBeenCalledTimes(times);
    expect(cache.has('a')).toBe(times === 1);
    clock.ms = 10;
    expect(cache.has('a')).toBe(times === 1 && ttlMs === undefined);
  });
});

describe('a value that is made', () => {
  it('is made once, by the rules of loads', () => {
    const cache = cacheOf<number | null>();
    const make = vi.fn(() => 5);
    expect([cache.getOrMake('a', make), cache.getOrMake('a', make)]).toEqual([5, 5]);
    expect(make).toHaveBeenCalledTimes(1);
    const fail = (): number => {
      throw new Error('no');
    };
    expect(() => cache.getOrMake('b', fail)).toThrow('no');
    expect(cache.getOrMake('b', () => null)).toBeNull();
    expect(cache.getOrMake('b', () => 6)).toBe(6);
    clock.ms = 100;
    expect(cache.getOrMake('b', () => 7)).toBe(7);
  });
});

describe('a cache that may give out old values', () => {
  it('does so while one load brings the new one, and only for so long', async () => {
    const cache = cacheOf({ staleMs: 50 });
    await cache.getOrLoad('a', async () => 1);
    clock.ms = 149;
    expect(cache.get('a')).toBeUndefined();
    const { load, finish } = slowLoad();
    expect(await Promise.all([cache.getOrLoad('a', load), cache.getOrLoad('a', load)])).toEqual([1, 1]);
    expect(load).toHaveBeenCalledTimes(1);
    finish(2);
    await vi.waitFor(() => expect(cache.get('a')).toBe(2));
    clock.ms += 150;
    expect(await cache.getOrLoad('a', async () => 3)).toBe(3);
  });

  it('tells why there is no new one, and then fails', async () => {
    const onRefreshError = vi.fn();
    const cache = cacheOf({ staleMs: 50, onRefreshError });
    await cache.getOrLoad('a', async () => 1);
    clock.ms = 100;
    const fail = (): Promise<number> => Promise.reject(new Error('away'));
    expect(await Promise.all([cache.getOrLoad('a', fail), cache.getOrLoad('a', fail)])).toEqual([1, 1]);
    await vi.waitFor(() => expect(onRefreshError).toHaveBeenCalledWith(new Error('away')));
    await new Promise(setImmediate);
    expect(onRefreshError).toHaveBeenCalledTimes(1);
    expect(await cache.getOrLoad('a', fail)).toBe(1);
    clock.ms = 150;
    await expect(cache.getOrLoad('a', fail)).rejects.toThrow('away');
  });

  it('gives out none that was deleted, nor keeps what was being loaded then', async () => {
    const cache = cacheOf({ staleMs: 50 });
    await cache.getOrLoad('a', async () => 1);
    clock.ms = 100;
    const { load, finish } = slowLoad();
    expect(await cache.getOrLoad('a', load)).toBe(1);
    cache.deletePrefix('a');
    finish(2);
    expect(await cache.getOrLoad('a', async () => 3)).toBe(3);
    expect(cache.get('a')).toBe(3);
  });
});

it('says how much it deleted', () => {
  const cache = cacheOf();
  for (const key of ['a:1', 'a:2', 'a', 'b:1', 'b:2', 'ba:1']) cache.set(key, key.length);
  cache.set('a:3', 1, 10);
  clock.ms = 10;
  expect(cache.deletePrefix('a:')).toBe(2);
  expect(cache.deletePrefix('a:')).toBe(0);
  expect([cache.delete('a'), cache.delete('a')]).toEqual([true, false]);
  expect(cache.deleteWhere((value, key) => value === 3 && key === 'b:1')).toBe(1);
  expect(cache.clear()).toBe(2);
  expect(cache.clear()).toBe(0);
});

it('tells the metrics of itself under its name, together with others of the name', async () => {
  const metrics = new Metrics('test');
  const [one, other] = [1, 2].map(() => cacheOf({ name: 'things', metrics, maxEntries: 1 }));
  cacheOf({ metrics }).set('unnamed', 1);
  one!.set('a', 1);
  one!.get('a');
  one!.get('b');
  other!.set('a', 1);
  other!.set('b', 1);
  const expected = { hits_total: 1, misses_total: 1, evictions_total: 1, entries: 2 };
  for (const text of [await metrics.registry.metrics(), await metrics.registry.metrics()])
    for (const [what, value] of Object.entries(expected))
      expect(text.split('\n').filter((line) => line.startsWith(`lineclear_cache_${what}{`))).toEqual([
        `lineclear_cache_${what}{cache="things",service="test"} ${value}`,
      ]);
});
