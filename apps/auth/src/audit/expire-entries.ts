import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Clock, CONFIG, Database, LOGGER, type Logger, type Tx } from '@lineclear/kit';
import type { Config } from '../config.js';
import * as log from '../db/audit-log.repo.js';
import { faultsOf, GENESIS, isSigned, signed } from '../domain/audit-chain.js';
import { daysAfter } from '../domain/session-lifetime.js';
import { AuditLog } from './audit-log.js';

const LOOK_EVERY_MS = 3_600_000;
const REMOVED_AT_ONCE = 10_000;

/**
 * Once a day lets go of entries that are older than they are to be kept, from the beginning of the log on. What is not as it
 * was written is never let go of: whoever could date entries back would else have them removed.
 */
@Injectable()
export class ExpireEntries implements OnApplicationBootstrap, OnApplicationShutdown {
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly chain: AuditLog,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.LINECLEAR_AUDIT_RETENTION_DAYS > 0)
      this.#timer = setInterval(() => void this.#expireOrSay(), LOOK_EVERY_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  async expire(): Promise<void> {
    const days = this.config.LINECLEAR_AUDIT_RETENTION_DAYS;
    const now = this.clock.now();
    const { anchor } = await log.bounds(this.database);
    if (days === 0 || (anchor && new Date(anchor.at) > daysAfter(now, -1))) return;
    while (await this.database.tx((tx) => this.#removeSome(tx, daysAfter(now, -days), now)));
  }

  /** @returns whether there may be more. */
  async #removeSome(tx: Tx, keptSince: Date, now: Date): Promise<boolean> {
    const { first, last, anchor } = await this.chain.lock(tx);
    if (first === undefined || last === undefined) return false;
    const isAnchored = !anchor || isSigned(anchor, this.chain.anchorMac);
    const upTo = ((await log.firstSince(tx, keptSince)) ?? last.seq + 1) - 1;
    if (upTo < first) return false;
    const rows = await log.from(tx, first, upTo, REMOVED_AT_ONCE);
    const { faults } = faultsOf(rows, anchor ?? GENESIS, this.chain.entryMac);
    const end = rows.at(-1);
    if (!isAnchored || faults.length > 0 || !end) {
      this.logger.error(
        { broken: faults.slice(0, 10), isAnchored },
        'the audit log is not as it was written: nothing of it is let go of',
      );
      return false;
    }
    await log.removeUpTo(tx, signed(end, now.toISOString(), this.chain.anchorMac));
    const details = {
      removed: rows.length,
      from_seq: first,
      to_seq: end.seq,
      kept_since: keptSince.toISOString(),
    };
    await this.bus.publish(tx, audited('audit.expired', { target: 'audit/log', details }));
    return rows.length === REMOVED_AT_ONCE;
  }

  async #expireOrSay(): Promise<void> {
    try {
      await this.expire();
    } catch (error) {
      this.logger.warn(
        { err: error },
        'old entries of the audit log could not be removed; the next round tries again',
      );
    }
  }
}
