import { Redis } from 'ioredis';
import type { Logger } from './logger.js';

/** How BullMQ connects: workers wait for Redis as long as it takes, and each service keeps to its own key prefix. */
export function bullOptions(
  url: string,
  service: string,
): { connection: { url: string; maxRetriesPerRequest: null }; prefix: string } {
  return { connection: { url, maxRetriesPerRequest: null }, prefix: `lineclear:${service}` };
}

/** A connection for commands of our own: it fails fast, so that a missing Redis is an error and not a hang. */
export function openRedis(url: string, log: Logger): Redis {
  const redis = new Redis(url, { maxRetriesPerRequest: 1, enableOfflineQueue: false, lazyConnect: true });
  redis.on('error', (error: Error) => log.warn({ err: error }, 'Redis is not reachable'));
  return redis;
}
