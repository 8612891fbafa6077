import type { OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import type { Logger } from './logger.js';

const MAX_RETRY_MS = 1_000;
const STEP_MS = 100;
const COMMAND_MS = 500;

/**
 * The one connection of a service's queues, which looks for a Redis that is away for as long as the service runs. It is
 * ours and not BullMQ's: BullMQ waits for a last word from a connection of its own, and from a Redis that is away that
 * word never comes (ioredis forgets a try to come that `disconnect()` interrupts, and then tells nobody).
 */
export class RedisLine implements OnApplicationShutdown {
  #redis: Redis | undefined;

  constructor(private readonly url: string) {}

  /** How BullMQ connects. Each service keeps to its own key prefix. */
  readonly bullOptions = (service: string) => ({
    connection: (this.#redis ??= this.#open()),
    prefix: `lineclear:${service}`,
  });

  /** Last of all: the workers have been closed, and nothing that is still asked needs an answer. */
  onApplicationShutdown(): void {
    this.#redis?.disconnect();
  }

  #open(): Redis {
    const redis = new Redis(this.url, {
      // Workers wait for Redis as long as it takes.
      maxRetriesPerRequest: null,
      retryStrategy: (times) => Math.min(times * STEP_MS, MAX_RETRY_MS),
    });
    // Queues and workers hear of errors too, and tell the log what it means for them.
    redis.on('error', () => undefined);
    return redis;
  }
}

/**
 * A connection for commands of our own, once `connect()` was called: it fails fast, so that a missing Redis is an error
 * and not a hang.
 */
export function openRedis(url: string, log: Logger): Redis {
  const redis = new Redis(url, {
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    lazyConnect: true,
    commandTimeout: COMMAND_MS,
    retryStrategy: (times) => Math.min(times * STEP_MS, MAX_RETRY_MS),
  });
  let isAway = false;
  redis.on('error', (error: Error) => {
    // Every try to come back is another error: one line says it.
    if (!isAway) log.warn({ err: error }, 'Redis is not reachable');
    isAway = true;
  });
  redis.on('ready', () => {
    isAway = false;
  });
  return redis;
}
