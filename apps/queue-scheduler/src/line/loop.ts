import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { Logger } from '@lineclear/kit';
import type { Wakes } from './wakes.js';

const TICK_MS = 1_000;

/** Does what there is to do, batch after batch for as long as there is something; woken by commits and by a tick. */
export abstract class Loop implements OnApplicationBootstrap, OnApplicationShutdown {
  #woken = false;
  #stopped = false;
  #running: Promise<void> | undefined;
  #tick: NodeJS.Timeout | undefined;
  readonly #listener = (): void => this.wake();

  protected constructor(
    private readonly wakes: Wakes,
    private readonly log: Logger,
    private readonly what: string,
  ) {}

  /** One batch, in one transaction; true when the next look may find more. */
  protected abstract once(): Promise<boolean>;

  onApplicationBootstrap(): void {
    this.wakes.listen(this.#listener);
    this.#tick = setInterval(this.#listener, TICK_MS);
    this.wake();
  }

  async onApplicationShutdown(): Promise<void> {
    this.#stopped = true;
    this.wakes.ignore(this.#listener);
    clearInterval(this.#tick);
    await this.#running;
  }

  protected wake(): void {
    this.#woken = true;
    if (this.#running === undefined && !this.#stopped) this.#running = this.#run();
  }

  async #run(): Promise<void> {
    try {
      while (this.#woken && !this.#stopped) {
        this.#woken = false;
        if (await this.once()) this.#woken = true;
      }
    } catch (error) {
      this.log.warn({ err: error }, `${this.what} failed; the next tick tries again`);
    } finally {
      this.#running = undefined;
    }
  }
}
