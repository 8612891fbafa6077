import { TtlCache, type Clock } from '@lineclear/kit';
import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';

const WINDOW_SECONDS = 60;
/** Into so many blocks a limit is cut, each of which costs one question to Redis. */
const BLOCKS = 50;
const MAX_KEYS = 10_000;

export interface Counted {
  readonly isAllowed: boolean;
  readonly limit: number;
  /** What is left of this minute, as far as this replica knows. */
  readonly remaining: number;
  readonly resetSeconds: number;
}

/** A part of a key's minute that this replica took and hands out by itself. */
interface Block {
  left: number;
  /** What was left for others when it was taken. */
  readonly unclaimed: number;
  readonly endsAtMs: number;
}

/**
 * Requests per minute and key, counted by all replicas of a service together. Each takes a fiftieth of the limit from Redis
 * at once and hands it out in memory, so that a busy key costs a round trip in fifty at most. As it is taken before it is
 * handed out, replicas together never let more through than the limit; they may let through less, by what the others hold:
 * at most one block less one each. Without Redis each replica counts by itself.
 */
export class RateLimit {
  readonly #store: RateLimiterRedis;
  readonly #blockSize: number;
  readonly #blocks: TtlCache<Block>;

  constructor(
    redis: Redis,
    keyPrefix: string,
    private readonly limit: number,
    private readonly clock: Clock,
  ) {
    const rule = { keyPrefix, points: limit, duration: WINDOW_SECONDS };
    this.#store = new RateLimiterRedis({
      ...rule,
      storeClient: redis,
      rejectIfRedisNotReady: true,
      insuranceLimiter: new RateLimiterMemory(rule),
    });
    this.#blockSize = Math.ceil(limit / BLOCKS);
    this.#blocks = new TtlCache({ clock, ttlMs: WINDOW_SECONDS * 1_000, maxEntries: MAX_KEYS });
  }

  /** Counts one request. */
  async count(key: string): Promise<Counted> {
    for (;;) {
      const block = await this.#blocks.getOrLoad(
        key,
        () => this.#take(key),
        ({ endsAtMs }) => endsAtMs - this.#nowMs(),
      );
      if (block.left > 0) {
        block.left -= 1;
        return this.#outcome(block, true);
      }
      if (block.unclaimed === 0) return this.#outcome(block, false);
      // Those who waited for this block with us used it up; one of them may have the next one by now.
      if (this.#blocks.get(key) === block) this.#blocks.delete(key);
    }
  }

  /** What a request would be answered that is known to be refused: asks nobody and counts nothing. */
  refusalOf(key: string): Counted | undefined {
    const block = this.#blocks.get(key);
    return block?.left === 0 && block.unclaimed === 0 ? this.#outcome(block, false) : undefined;
  }

  async #take(key: string): Promise<Block> {
    const size = this.#blockSize;
    const { consumedPoints, msBeforeNext } = await this.#store
      .consume(key, size)
      .catch((refusal: unknown) => {
        if (refusal instanceof RateLimiterRes) return refusal;
        throw refusal;
      });
    return {
      // The last block may be a part of one.
      left: Math.max(0, Math.min(size, this.limit - (consumedPoints - size))),
      unclaimed: Math.max(0, this.limit - consumedPoints),
      endsAtMs: this.#nowMs() + msBeforeNext,
    };
  }

  #outcome({ left, unclaimed, endsAtMs }: Block, isAllowed: boolean): Counted {
    const resetSeconds = Math.max(1, Math.ceil((endsAtMs - this.#nowMs()) / 1_000));
    return { isAllowed, limit: this.limit, remaining: left + unclaimed, resetSeconds };
  }

  #nowMs = (): number => this.clock.now().getTime();
}
