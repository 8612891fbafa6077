import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock, Database, LOGGER, type Logger } from '@lineclear/kit';
import * as failures from '../db/login-failures.repo.js';
import * as tickets from '../db/login-tickets.repo.js';
import * as oidc from '../db/oidc.repo.js';
import * as resets from '../db/password-resets.repo.js';
import * as passkeys from '../db/passkeys.repo.js';
import * as factors from '../db/second-factors.repo.js';
import * as sessions from '../db/sessions.repo.js';
import { ACCOUNT_RULE } from '../domain/lock-out.js';
import { after } from '../domain/session-lifetime.js';

const PURGE_EVERY_MS = 600_000;

/** Throws away sessions, begun logins and resets that ended by themselves, and failures that count no more. Every replica may do it. */
@Injectable()
export class PurgeExpired implements OnApplicationBootstrap, OnApplicationShutdown {
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => void this.#purgeOrSay(), PURGE_EVERY_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  async purge(): Promise<void> {
    const now = this.clock.now();
    await sessions.purgeExpired(this.database, now);
    await oidc.purgeExpired(this.database, now);
    await resets.purgeExpired(this.database, now);
    await tickets.purgeExpired(this.database, now);
    await passkeys.purgeExpired(this.database, now);
    await factors.purgeExpired(this.database, now);
    await failures.purgeForgotten(this.database, after(now, -ACCOUNT_RULE.forgetAfterSeconds));
  }

  async #purgeOrSay(): Promise<void> {
    try {
      await this.purge();
    } catch (error) {
      this.log.warn({ err: error }, 'could not purge what has expired; the next round tries again');
    }
  }
}
