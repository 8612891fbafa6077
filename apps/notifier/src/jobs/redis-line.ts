const MAX_RETRY_MS = 1_000;
const STEP_MS = 100;

/**
 * How this service looks for a Redis that is away: for as long as it runs. BullMQ's last word goes to Redis, and without
 * an end to the looking, stopping would wait for that word for ever.
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
