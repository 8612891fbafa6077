import { InjectQueue, Processor } from '@nestjs/bullmq';
import { Inject } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus, event } from '@lineclear/bus';
import { secretExpiring, secretStale } from '@lineclear/contracts';
import { Clock, CONFIG, Database, LOGGER, type Logger } from '@lineclear/kit';
import { Rounds } from '@lineclear/kit/rounds';
import type { Queue } from 'bullmq';
import type { Config } from '../config.js';
import { forgetAccess } from '../db/access-log.repo.js';
import { forgetClaims } from '../db/claims.repo.js';
import { forgetGrants } from '../db/grants.repo.js';
import * as secrets from '../db/secrets.repo.js';
import { staleBefore, warnBefore } from '../domain/freshness.js';
import { KeyWorks } from '../keys/key-works.js';

export const KEEP_HOUSE = 'keep-house';
const MAX_AT_ONCE = 200;
const MAX_FORGOTTEN = 5_000;
const DAY_MS = 86_400_000;

/** Goes on with works on keys, purges what was removed long ago, tells of values that end or are too old, and forgets who had what long ago. */
@Processor(KEEP_HOUSE)
export class KeepHouse extends Rounds {
  constructor(
    @InjectQueue(KEEP_HOUSE) queue: Queue,
    private readonly database: Database,
    private readonly works: KeyWorks,
    private readonly bus: Bus,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) log: Logger,
  ) {
    super({ queue, everyMs: config.LINECLEAR_SECRETS_SWEEP_SECONDS * 1_000, log });
  }

  override async process(): Promise<void> {
    while (await this.works.step());
    while ((await this.purge()) === MAX_AT_ONCE);
    while ((await this.warn()) === MAX_AT_ONCE);
    await this.forget();
  }

  /** Removes for good what was removed long ago; how many. */
  async purge(): Promise<number> {
    const before = new Date(
      this.clock.now().getTime() - this.config.LINECLEAR_SECRETS_UNDELETE_DAYS * DAY_MS,
    );
    return this.database.tx(async (tx) => {
      const purged = await secrets.purgeRemoved(tx, before, MAX_AT_ONCE);
      await this.bus.publish(
        tx,
        ...purged.map(({ scope, name }) =>
          audited('secret.purged', { target: `secret/${name}`, details: { scope } }),
        ),
      );
      return purged.length;
    });
  }

  /** Forgets old lines of the access log, and what jobs had that ended long ago. */
  async forget(): Promise<void> {
    const days = this.config.LINECLEAR_SECRETS_ACCESS_LOG_DAYS;
    if (days === 0) return;
    const before = new Date(this.clock.now().getTime() - days * DAY_MS);
    for (const forget of [forgetAccess, forgetGrants, forgetClaims])
      while ((await forget(this.database, before, MAX_FORGOTTEN)) >= MAX_FORGOTTEN);
  }

  /** Tells of values that end soon, also for having been taken in an emergency, or are too old, of each once; how many at most of one kind. */
  async warn(): Promise<number> {
    const now = this.clock.now();
    return this.database.tx(async (tx) => {
      const expiring = await secrets.takeExpiring(tx, warnBefore(now), MAX_AT_ONCE);
      const stale = await secrets.takeStale(tx, staleBefore(now), MAX_AT_ONCE);
      const unrotated = await secrets.takeUnrotated(tx, now, MAX_AT_ONCE);
      await this.bus.publish(
        tx,
        ...[...expiring, ...unrotated].map(({ id, scope, name, version, expires_at }) =>
          event(
            secretExpiring,
            { scope, name, version, expires_at: expires_at!.toISOString() },
            { about: `secret/${id}` },
          ),
        ),
        ...stale.map(({ id, scope, name, version, updated_at }) =>
          event(
            secretStale,
            { scope, name, version, set_at: updated_at.toISOString() },
            { about: `secret/${id}` },
          ),
        ),
      );
      return Math.max(expiring.length, stale.length, unrotated.length);
    });
  }
}
