import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock, Database, LOGGER, type Logger } from '@lineclear/kit';
import type { Token } from '@lineclear/access';
import * as apiKeys from '../db/api-keys.repo.js';
import * as sessions from '../db/sessions.repo.js';

const WRITE_EVERY_MS = 1_000;
const WORTH_WRITING_MS = 60_000;

/** When credentials were last used: gathered here and written together, so that no caller waits for it. */
@Injectable()
export class LastUsed implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #used = { api_key: new Set<number>(), session: new Set<number>() };
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => void this.#write(), WRITE_EVERY_MS).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.#timer);
    await this.#write();
  }

  /** Notes a use. Nothing is written where the last note is less than a minute old. */
  note(kind: Token['kind'], id: number, lastUsedAt: Date | null): void {
    if (lastUsedAt !== null && this.clock.now().getTime() - lastUsedAt.getTime() < WORTH_WRITING_MS) return;
    this.#used[kind].add(id);
  }

  async #write(): Promise<void> {
    const [keyIds, sessionIds] = [[...this.#used.api_key], [...this.#used.session]];
    this.#used.api_key.clear();
    this.#used.session.clear();
    try {
      if (keyIds.length > 0) await apiKeys.used(this.database, keyIds, this.clock.now());
      if (sessionIds.length > 0) await sessions.seen(this.database, sessionIds, this.clock.now());
    } catch (error) {
      // They are noted again with their next use.
      this.log.warn({ err: error }, 'could not write when credentials were last used');
    }
  }
}
