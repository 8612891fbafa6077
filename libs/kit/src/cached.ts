import 'reflect-metadata';
import { callKey } from './cache-key.js';
import { SystemClock, type Clock } from './clock.js';
import type { Metrics } from './metrics.js';
import { TtlCache, type CacheStats } from './ttl-cache.js';

const MAX_ENTRIES = 1_000;

export interface CachedOptions<Self> {
  /** How long what the method returned counts, in milliseconds. */
  readonly ttlMs: number;
  /** What keys and the name in the metrics start with; the class's name when not given. */
  readonly keyPrefix?: string;
  /** Of each object of the class. */
  readonly maxEntries?: number;
  /** Of an async method: for so many milliseconds more the old answer is given out while a new one is fetched. */
  readonly staleMs?: number;
  /** Whether undefined and null are kept too, in milliseconds; they are not when it is not given. */
  readonly nothingTtlMs?: number;
  /** The clock that counts (the machine's when not given), and metrics that are to tell of it. */
  readonly with?: (self: Self) => {
    readonly clock?: Clock;
    readonly metrics?: Metrics;
    readonly onRefreshError?: (error: unknown) => void;
  };
}

type Method = (...args: never[]) => unknown;
type MethodDecoratorOf = <F extends Method>(
  target: object,
  key: string,
  slot: TypedPropertyDescriptor<F>,
) => void;

interface State {
  readonly cache: TtlCache<unknown>;
  isAsync: boolean | undefined;
}

/** A method that is marked: where the caches of the objects are, and how its calls are named. */
interface Declared {
  stateOf(instance: object): State;
  keyOf(args: readonly unknown[]): string;
}

const declaredOn = new WeakMap<object, Map<string, Declared>>();

/**
 * Keeps what the method returns by its arguments, for each object of the class by itself: a promise's value, not the promise,
 * which concurrent callers share; nothing that fails. All get the same object, so nobody may change it.
 * Calling it throws TypeError when an argument has no stable JSON (functions, objects of classes).
 */
export const Cached =
  <Self = never>(options: CachedOptions<Self>): MethodDecoratorOf =>
  (target, key, slot) => {
    const original = slot.value as ((...args: unknown[]) => unknown) | undefined;
    if (typeof original !== 'function') throw new Error(`@Cached(…) belongs on a method: ${key} is none`);
    const declared = declare(target, key, options as CachedOptions<object>);
    const ttlMsOf = (value: unknown): number | undefined =>
      value === undefined || value === null ? options.nothingTtlMs : undefined;

    function cached(this: unknown, ...args: unknown[]): unknown {
      if (this === null || (typeof this !== 'object' && typeof this !== 'function'))
        throw new TypeError(`${key} keeps what it returns with its object, and was called without one`);
      const state = declared.stateOf(this);
      const name = declared.keyOf(args);
      const call = (): unknown => original!.apply(this, args);
      if (state.isAsync === undefined) {
        // Nothing is kept yet, and only what it returns tells whether it is to be waited for.
        const first = call();
        state.isAsync = first instanceof Promise;
        return first instanceof Promise
          ? state.cache.getOrLoad(name, () => first, ttlMsOf)
          : state.cache.getOrMake(name, () => first, ttlMsOf);
      }
      if (state.isAsync) return state.cache.getOrLoad(name, async () => call(), ttlMsOf);
      return state.cache.getOrMake(name, () => refusePromise(call(), key), ttlMsOf);
    }
    for (const name of ['name', 'length'] as const)
      Object.defineProperty(cached, name, { value: original[name], configurable: true });
    // What decorators below this one said of the method holds for what takes its place.
    for (const name of Reflect.getMetadataKeys(original) as unknown[])
      Reflect.defineMetadata(name, Reflect.getMetadata(name, original), cached);
    slot.value = cached as never;
  };

/** What an object has cached of a method. */
export interface CachedCalls<Args extends readonly unknown[]> {
  /** Forgets what a call with these arguments returned; says whether there was something. */
  drop(...args: Args): boolean;
  /** Forgets everything; says how much there was. */
  clear(): number;
  stats(): CacheStats;
}

type ArgsOf<F> = F extends (...args: infer Args) => unknown ? Args : never;

/** For invalidation by hand. @throws Error when the method is not marked `@Cached` */
export function cacheOf<Self extends object, Name extends keyof Self & string>(
  instance: Self,
  method: Name,
): CachedCalls<ArgsOf<Self[Name]>> {
  for (let at: unknown = instance; at !== null; at = Object.getPrototypeOf(at)) {
    const declared = declaredOn.get(at as object)?.get(method);
    if (!declared) continue;
    const { cache } = declared.stateOf(instance);
    return {
      drop: (...args) => cache.delete(declared.keyOf(args)),
      clear: () => cache.clear(),
      stats: () => cache.stats(),
    };
  }
  throw new Error(`${method} is not marked @Cached`);
}

function declare(target: object, method: string, options: CachedOptions<object>): Declared {
  const className = (typeof target === 'function' ? target : target.constructor).name;
  const { ttlMs, keyPrefix = className, maxEntries = MAX_ENTRIES, staleMs = 0 } = options;
  const states = new WeakMap<object, State>();
  const declared: Declared = {
    stateOf(instance) {
      let state = states.get(instance);
      if (!state) {
        const given = { clock: new SystemClock(), ...options.with?.(instance) };
        const name = `${keyPrefix}:${method}`;
        state = {
          cache: new TtlCache({ ttlMs, maxEntries, staleMs, name, ...given }),
          isAsync: undefined,
        };
        states.set(instance, state);
      }
      return state;
    },
    keyOf: (args) => callKey(keyPrefix, method, args),
  };
  const all = declaredOn.get(target) ?? new Map<string, Declared>();
  declaredOn.set(target, all.set(method, declared));
  return declared;
}

function refusePromise(value: unknown, method: string): unknown {
  if (value instanceof Promise)
    throw new TypeError(`${method} is cached, so it must return a promise always or never`);
  return value;
}
