import { Redis } from 'ioredis';
import type { Logger } from './logger.js';

const MAX_RETRY_MS = 1_000;
const STEP_MS = 100;

/**
 * How a service looks for a Redis that is away: for as long as it runs. BullMQ's last word goes to Redis, and without an end
 * to the looking, stopping would wait for that word for ever.
 */
export class RedisLine {
  #isCut = false;

  /** ioredis asks this for the milliseconds to its next try; null ends all commands that wait. */
  readonly retryStrategy = (times: number): number | null =>
    this.#isCut ? null : Math.min(times * STEP_MS, MAX_RETRY_MS);

  /** From now on a lost connection stays lost. */
  cut(): void {
    this.#isCut = true;
  }
}

/** How BullMQ connects: workers wait for Redis as long as it takes, and each service keeps to its own key prefix. */
export const bullOptions = (url: string, service: string, line: RedisLine) => ({
  connection: { url, maxRetriesPerRequest: null, retryStrategy: line.retryStrategy },
  prefix: `lineclear:${service}`,
});

/** A connection for commands of our own: it fails fast, so that a missing Redis is an error and not a hang. */
export function openRedis(url: string, log: Logger): Redis {
  const redis = new Redis(url, { maxRetriesPerRequest: 1, enableOfflineQueue: false, lazyConnect: true });
  redis.on('error', (error: Error) => log.warn({ err: error }, 'Redis is not reachable'));
  return redis;
}
