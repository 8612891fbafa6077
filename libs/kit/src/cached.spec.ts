import 'reflect-metadata';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { callKey } from './cache-key.js';
import { Cached, cacheOf } from './cached.js';
import { Metrics } from './metrics.js';
import { Secret } from './secret.js';
import { TestClock } from './test-clock.fixture.js';

const Marked =
  (value: string): MethodDecorator =>
  (_target, _key, slot: PropertyDescriptor) =>
    Reflect.defineMetadata('marked', value, slot.value as object);

class Library {
  calls: string[] = [];
  isClosed = false;

  constructor(
    readonly clock = new TestClock(),
    readonly metrics = new Metrics('test'),
  ) {}

  @Cached<Library>({
    ttlMs: 100,
    keyPrefix: 'lib',
    maxEntries: 2,
    with: ({ clock, metrics }) => ({ clock, metrics }),
  })
  title(number: number, options: { readonly long?: boolean; readonly by?: string } = {}): string | undefined {
    this.calls.push(`title ${number}`);
    if (this.isClosed) throw new Error('closed');
    return number < 0 ? undefined : `book ${number}${options.long ? ', the whole story' : ''}`;
  }

  @Marked('below')
  @Cached<Library>({ ttlMs: 100, keyPrefix: 'lib', with: ({ clock }) => ({ clock }), nothingTtlMs: 10 })
  @Marked('above')
  async text(number: number): Promise<string | null> {
    this.calls.push(`text ${number}`);
    await Promise.resolve();
    if (this.isClosed) throw new Error('closed');
    return number < 0 ? null : `once upon a time ${number}`;
  }

  @Cached({ ttlMs: 100 })
  @Marked('kept')
  anything(...things: unknown[]): number {
    this.calls.push('anything');
    return things.length;
  }

  @Cached({ ttlMs: 100 })
  sometimes(later: boolean): unknown {
    return later ? Promise.resolve(1) : 1;
  }

  plain(): number {
    return 1;
  }
}

class Archive extends Library {
  @Cached<Archive>({ ttlMs: 1_000, keyPrefix: 'archive', with: ({ clock }) => ({ clock }) })
  override title(number: number): string | undefined {
    return `old ${super.title(number)}`;
  }
}

describe('a cached method', () => {
  it('is called once for equal arguments, whatever the order of their fields', () => {
    const library = new Library();
    const long = 'book 1, the whole story';
    expect([
      library.title(1, { long: true, by: 'x' }),
      library.title(1, { by: 'x', long: true }),
      library.title(1),
      library.title(1, undefined),
    ]).toEqual([long, long, 'book 1', 'book 1']);
    expect(library.calls).toHaveLength(2);
    library.clock.ms = 100;
    library.title(1);
    expect(library.calls).toHaveLength(3);
  });

  it('that is async is called once for all who wait, and keeps no failure', async () => {
    const library = new Library();
    for (const _ of [1, 2])
      expect(await Promise.all([library.text(1), library.text(1)])).toEqual(
        Array(2).fill('once upon a time 1'),
      );
    expect(library.calls).toEqual(['text 1']);
    library.isClosed = true;
    await expect(Promise.all([library.text(2), library.text(2)])).rejects.toThrow('closed');
    library.isClosed = false;
    expect(await library.text(2)).toBe('once upon a time 2');
    expect(library.calls).toEqual(['text 1', 'text 2', 'text 2']);
  });

  it('keeps no failure, and nothing that is nothing unless it is told to', async () => {
    const library = new Library();
    library.isClosed = true;
    expect(() => library.title(1)).toThrow('closed');
    library.isClosed = false;
    expect(library.title(1)).toBe('book 1');
    for (const _ of [1, 2]) expect(library.title(-1)).toBeUndefined();
    expect(library.calls).toEqual(['title 1', 'title 1', 'title -1', 'title -1']);
    for (const _ of [1, 2]) expect(await library.text(-1)).toBeNull();
    library.clock.ms = 10;
    expect(await library.text(-1)).toBeNull();
    expect(library.calls.slice(4)).toEqual(['text -1', 'text -1']);
  });

  it('keeps no more than it may, for each object by itself', () => {
    const [one, other] = [new Library(), new Library()];
    for (const number of [1, 2, 3, 1]) one.title(number);
    expect(one.calls).toHaveLength(4);
    other.title(1);
    expect(other.calls).toHaveLength(1);
    expect(cacheOf(one, 'title').stats()).toMatchObject({ size: 2, maxEntries: 2, defaultTtlMs: 100 });
  });

  it('may be forgotten by hand: one call, or all', async () => {
    const library = new Library();
    await Promise.all([library.text(1), library.text(2)]);
    const cached = cacheOf(library, 'text');
    expect([cached.drop(1), cached.drop(1)]).toEqual([true, false]);
    await Promise.all([library.text(1), library.text(2)]);
    expect(library.calls).toEqual(['text 1', 'text 2', 'text 1']);
    expect(cached.clear()).toBe(2);
    expect(() => cacheOf(library, 'plain')).toThrow('plain is not marked @Cached');
  });

  it('is apart from the one of the same name that it calls', () => {
    const archive = new Archive();
    expect([archive.title(1), archive.title(1)]).toEqual(['old book 1', 'old book 1']);
    archive.clock.ms = 500;
    expect(archive.title(1)).toBe('old book 1');
    expect(archive.calls).toEqual(['title 1']);
    expect(cacheOf(archive, 'title').stats().defaultTtlMs).toBe(1_000);
  });

  it('is still the method that other decorators spoke of', () => {
    const told = (name: keyof Library): unknown =>
      Reflect.getMetadata('marked', Library.prototype[name] as object);
    expect([told('anything'), told('text')]).toEqual(['kept', 'below']);
    expect([Library.prototype.text.name, Library.prototype.text.length]).toEqual(['text', 1]);
  });

  it('shows in the metrics', async () => {
    const library = new Library();
    library.title(1);
    library.title(1);
    expect(await library.metrics.registry.metrics()).toContain(
      'lineclear_cache_hits_total{cache="lib:title",service="test"} 1',
    );
  });

  it('must know whether it is async, and belong to an object', async () => {
    const library = new Library();
    library.sometimes(false);
    expect(() => library.sometimes(true)).toThrow('must return a promise always or never');
    expect(() => library.anything.call(undefined as never)).toThrow('was called without one');
    expect(() => Cached({ ttlMs: 1 })({}, 'field', {})).toThrow('belongs on a method: field is none');
  });

  it('gives out the old value while it fetches the new one, if it may', async () => {
    const clock = new TestClock();
    class Slow {
      at = 0;
      @Cached({ ttlMs: 100, staleMs: 50, with: () => ({ clock }) })
      async answer(): Promise<number> {
        return (this.at += 1);
      }
    }
    const slow = new Slow();
    await slow.answer();
    clock.ms = 100;
    expect(await slow.answer()).toBe(1);
    await vi.waitFor(async () => expect(await slow.answer()).toBe(2));
  });

  it.each([
    ['a function', () => 1],
    ['an object of a class', new Map()],
    ['a date', new Date(0)],
    ['a secret', new Secret('hunter2')],
    ['a buffer', Buffer.from('hunter2')],
    ['a symbol', Symbol('hunter2')],
    ['a bigint', 1n],
    ['no number', Number.NaN],
    ['something endless', Infinity],
    ['what says itself how it is written', { toJSON: () => 'hunter2' }],
  ])('refuses %s as an argument, before it does anything, and does not quote it', (_, thing) => {
    const library = new Library();
    for (const [args, where] of [
      [[1, thing], 'argument 2 of anything cannot be part of a cache key'],
      [[{ deep: [thing] }], 'argument 1 of anything.deep[0] cannot be part of a cache key'],
    ] as const) {
      const call = (): number => library.anything(...args);
      expect(call).toThrow(TypeError);
      expect(call).not.toThrow('hunter2');
      if (!('toJSON' in Object(thing))) expect(call).toThrow(where);
    }
    expect(library.calls).toEqual([]);
  });

  it('refuses what is nested without end', () => {
    const endless: { self?: object } = {};
    endless.self = endless;
    expect(() => new Library().anything(endless)).toThrow('nested too deep');
  });
});

describe('the key of a call', () => {
  it.each([
    [[], 'm:get:'],
    [[123], 'm:get:123'],
    [['123'], 'm:get:"123"'],
    [['a', 'b'], 'm:get:"a","b"'],
    [['a,b'], 'm:get:"a,b"'],
    [[undefined, null], 'm:get:undefined,null'],
    [[1, undefined], 'm:get:1'],
    [[{ b: [1, true], a: undefined }], 'm:get:{"a":undefined,"b":[1,true]}'],
    [[-0], 'm:get:-0'],
    [[[], {}], 'm:get:[],{}'],
  ])('of %j is %s', (args, key) => {
    expect(callKey('m', 'get', args)).toBe(key);
  });

  const args = fc.array(fc.jsonValue({ maxDepth: 3 }), { maxLength: 3 });

  it('is the same for what is equal, and for nothing else', () => {
    fc.assert(
      fc.property(args, args, (one, other) => {
        expect(callKey('m', 'get', one)).toBe(callKey('m', 'get', structuredClone(one)));
        const areEqual = JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
        // JSON takes it for 0.
        fc.pre(!hasMinusZero([one, other]));
        expect(callKey('m', 'get', one) === callKey('m', 'get', other)).toBe(areEqual);
      }),
      { numRuns: 500 },
    );
  });

  it('is bounded, and still another for each argument', () => {
    const [one, other] = ['x', 'y'].map((end) => callKey('m', 'get', ['x'.repeat(10_000) + end]));
    expect(one).toMatch(/^m:get:sha256-[0-9a-f]{64}$/);
    expect(one).not.toBe(other);
    expect(callKey('m', 'get', ['x'.repeat(998)])).toBe(`m:get:"${'x'.repeat(998)}"`);
    expect(callKey('m', 'get', ['x'.repeat(999)])).toMatch(/sha256-/);
  });
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  // Still an object, as {} is not [].
  return { fields: fields.map(([name, field]) => [name, sorted(field)]) };
}

const hasMinusZero = (value: unknown): boolean =>
  Object.is(value, -0) ||
  (typeof value === 'object' && value !== null && Object.values(value).some(hasMinusZero));
