import { Clock, Metrics, Secret, Unavailable } from '@lineclear/kit';
import { describe, expect, it, vi } from 'vitest';
import { CachedSource } from './cached-source.js';
import { SourceMetrics } from './source-metrics.js';
import type { Found, Presence, SecretSource } from './source.js';

const POLICY = { ttlSeconds: 60, missTtlSeconds: 5, staleSeconds: 300, maxEntries: 100 };
const GLOBAL = 'global';

class SetClock extends Clock {
  ms = Date.parse('2026-11-27T12:00:00Z');
  override now(): Date {
    return new Date(this.ms);
  }
  pass(seconds: number): void {
    this.ms += seconds * 1_000;
  }
}

/** Somewhere far away that can be changed, held up and made to fail. */
class Upstream implements SecretSource {
  readonly name = 'aws';
  readonly has = new Map<string, string>();
  readonly questions: string[][] = [];
  failing = false;
  #held: Promise<void> = Promise.resolve();

  async find(_scope: string, names: readonly string[]): Promise<ReadonlyMap<string, Found>> {
    this.questions.push([...names]);
    await this.#held;
    if (this.failing) throw new Unavailable('upstream is down');
    return new Map(
      names.flatMap((name) => {
        const text = this.has.get(name);
        return text === undefined ? [] : [[name, { value: new Secret(text), version: null }] as const];
      }),
    );
  }

  async presence(scope: string, name: string): Promise<Presence> {
    return { has: (await this.find(scope, [name])).has(name) };
  }

  hold(): () => void {
    let release = (): void => undefined;
    this.#held = new Promise((resolve) => (release = resolve));
    return () => release();
  }
}

function cached(policy: Partial<typeof POLICY> = {}): {
  upstream: Upstream;
  cache: CachedSource;
  clock: SetClock;
  value: (...names: string[]) => Promise<Record<string, string>>;
  counted: (metric: 'cache' | 'source_requests') => Promise<Record<string, number>>;
} {
  const upstream = new Upstream();
  const clock = new SetClock();
  const metrics = new Metrics('test');
  const cache = new CachedSource(upstream, { ...POLICY, ...policy }, clock, new SourceMetrics(metrics));
  return {
    upstream,
    cache,
    clock,
    value: async (...names) =>
      Object.fromEntries(
        [...(await cache.find(GLOBAL, names))].map(([name, { value }]) => [name, value.reveal()]),
      ),
    counted: async (metric) => {
      const all = await metrics.registry.getSingleMetric(`lineclear_secrets_${metric}_total`)?.get();
      return Object.fromEntries(
        (all?.values ?? []).map(({ labels, value }) => [String(labels['outcome']), value]),
      );
    },
  };
}

describe('a value', () => {
  it('is asked for once in its time, and its age is known', async () => {
    const { upstream, cache, clock, value, counted } = cached();
    upstream.has.set('A', '1');
    expect(await value('A')).toEqual({ A: '1' });
    clock.pass(59);
    expect(await value('A')).toEqual({ A: '1' });
    expect(upstream.questions).toHaveLength(1);
    expect(cache.ageSeconds('A')).toBe(59);
    expect(cache.ageSeconds('NEVER')).toBeUndefined();
    expect(await counted('cache')).toEqual({ miss: 1, hit: 1 });
  });

  it('is given once more after its time, and the rotated one is fetched behind', async () => {
    const { upstream, clock, value, counted } = cached();
    upstream.has.set('A', 'old');
    await value('A');
    upstream.has.set('A', 'rotated');
    clock.pass(60);
    const release = upstream.hold();
    // The caller does not wait for the question that is on its way.
    expect(await value('A')).toEqual({ A: 'old' });
    release();
    await vi.waitFor(async () => expect(await value('A')).toEqual({ A: 'rotated' }));
    expect(upstream.questions).toHaveLength(2);
    expect((await counted('cache'))['stale']).toBeGreaterThanOrEqual(1);
  });

  it('is waited for when its stale time is over too', async () => {
    const { upstream, clock, value } = cached();
    upstream.has.set('A', 'old');
    await value('A');
    upstream.has.set('A', 'rotated');
    clock.pass(360);
    expect(await value('A')).toEqual({ A: 'rotated' });
  });

  it('is not kept at all with a time of none', async () => {
    const { upstream, value } = cached({ ttlSeconds: 0, staleSeconds: 0 });
    upstream.has.set('A', 'old');
    await value('A');
    upstream.has.set('A', 'new');
    expect(await value('A')).toEqual({ A: 'new' });
  });

  it('that was taken away upstream is gone after one refresh', async () => {
    const { upstream, clock, value } = cached();
    upstream.has.set('A', 'x');
    await value('A');
    upstream.has.delete('A');
    clock.pass(61);
    await value('A');
    await vi.waitFor(async () => expect(await value('A')).toEqual({}));
  });

  it('does not print', async () => {
    const { upstream, cache } = cached();
    upstream.has.set('A', 'hunter2');
    expect(JSON.stringify([...(await cache.find(GLOBAL, ['A']))])).not.toContain('hunter2');
  });
});

describe('a miss', () => {
  it('is remembered, so that a name nobody has is not asked for each time', async () => {
    const { upstream, value, counted } = cached();
    expect(await value('NOPE')).toEqual({});
    expect(await value('NOPE')).toEqual({});
    expect(upstream.questions).toHaveLength(1);
    expect(await counted('cache')).toEqual({ miss: 1, negative: 1 });
    expect(await counted('source_requests')).toEqual({ missing: 1 });
  });

  it('is not remembered for ever: a secret that is made later is seen after the shorter time', async () => {
    const { upstream, clock, value } = cached();
    await value('LATER');
    upstream.has.set('LATER', 'here');
    clock.pass(4);
    expect(await value('LATER')).toEqual({});
    clock.pass(1);
    expect(await value('LATER')).toEqual({ LATER: 'here' });
  });
});

describe('many who ask at once', () => {
  it('are one question to the source', async () => {
    const { upstream, value } = cached();
    upstream.has.set('A', '1');
    const release = upstream.hold();
    const answers = Array.from({ length: 20 }, () => value('A'));
    release();
    expect(await Promise.all(answers)).toEqual(Array(20).fill({ A: '1' }));
    expect(upstream.questions).toEqual([['A']]);
  });

  it('ask for several names in one question, and only for those that nobody asks for yet', async () => {
    const { upstream, value } = cached();
    for (const name of ['A', 'B', 'C']) upstream.has.set(name, name.toLowerCase());
    const release = upstream.hold();
    const first = value('A', 'B');
    const second = value('B', 'C', 'NOPE');
    release();
    expect(await first).toEqual({ A: 'a', B: 'b' });
    expect(await second).toEqual({ B: 'b', C: 'c' });
    expect(upstream.questions).toEqual([
      ['A', 'B'],
      ['C', 'NOPE'],
    ]);
  });

  it('share a failure, and the next one asks again', async () => {
    const { upstream, value } = cached();
    upstream.failing = true;
    const both = [value('A'), value('A')];
    for (const one of both) await expect(one).rejects.toThrow('upstream is down');
    expect(upstream.questions).toHaveLength(1);
    upstream.failing = false;
    upstream.has.set('A', '1');
    expect(await value('A')).toEqual({ A: '1' });
  });
});

describe('a source that fails', () => {
  it('leaves the stale value and says so, and after that is an error and not a miss', async () => {
    const { upstream, cache, clock, value, counted } = cached();
    upstream.has.set('A', '1');
    await value('A');
    upstream.failing = true;
    clock.pass(100);
    expect(await value('A')).toEqual({ A: '1' });
    await vi.waitFor(async () =>
      expect(await cache.presence(GLOBAL, 'A')).toEqual({
        has: true,
        cacheAgeSeconds: 100,
        stale: true,
        error: 'upstream is down',
      }),
    );
    expect(await counted('source_requests')).toEqual({ found: 1, failed: 1 });
    clock.pass(260);
    await expect(value('A')).rejects.toThrow('upstream is down');
  });

  it('is not asked by every caller while it is down, and is again after a pause', async () => {
    const { upstream, clock, value, counted } = cached();
    upstream.has.set('A', '1');
    await value('A');
    upstream.failing = true;
    clock.pass(61);
    await value('A');
    await vi.waitFor(async () => expect((await counted('source_requests'))['failed']).toBe(1));
    for (let n = 0; n < 50; n += 1) await value('A');
    expect(upstream.questions).toHaveLength(2);
    clock.pass(5);
    await value('A');
    expect(upstream.questions).toHaveLength(3);
  });
});

describe('what is full', () => {
  it('lets go of what was not used for longest, not of what was made first', async () => {
    const { upstream, value } = cached({ maxEntries: 2 });
    for (const name of ['OLD', 'MID', 'NEW']) upstream.has.set(name, name);
    await value('OLD');
    await value('MID');
    for (let n = 0; n < 50; n += 1) await value('OLD');
    await value('NEW');
    upstream.questions.length = 0;
    await value('OLD');
    expect(upstream.questions).toEqual([]);
    await value('MID');
    expect(upstream.questions).toEqual([['MID']]);
  });

  it('still answers a question for more names than it keeps', async () => {
    const { upstream, value } = cached({ maxEntries: 1 });
    for (const name of ['A', 'B', 'C']) upstream.has.set(name, name);
    expect(await value('A', 'B', 'C')).toEqual({ A: 'A', B: 'B', C: 'C' });
  });
});

describe('clearing', () => {
  it('forgets values and misses', async () => {
    const { upstream, cache, value } = cached();
    upstream.has.set('A', 'old');
    await value('A', 'B');
    upstream.has.set('A', 'new').set('B', 'made');
    cache.clear();
    expect(await value('A', 'B')).toEqual({ A: 'new', B: 'made' });
  });

  it('does not keep an answer that was on its way', async () => {
    const { upstream, cache, value } = cached();
    upstream.has.set('A', 'old');
    const release = upstream.hold();
    const early = value('A');
    await vi.waitFor(() => expect(upstream.questions).toHaveLength(1));
    cache.clear();
    release();
    await early;
    expect(cache.ageSeconds('A')).toBeUndefined();
  });
});
