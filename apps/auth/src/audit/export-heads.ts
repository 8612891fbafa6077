import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG, Database, LOGGER, type Logger } from '@lineclear/kit';
import type { Config } from '../config.js';
import * as log from '../db/audit-log.repo.js';
import type { SignedLink } from '../domain/audit-chain.js';
import { keepHead } from './heads-file.js';

const EXPORT_EVERY_MS = 60_000;

/** Tells where the audit log ends, to places that whoever changes the database does not reach: so a cut tail shows. */
@Injectable()
export class ExportHeads implements OnApplicationBootstrap, OnApplicationShutdown {
  #told: SignedLink | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => void this.#tellOrSay(), EXPORT_EVERY_MS).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.#timer);
    await this.#tellOrSay();
  }

  /** Tells of the head if it is another than the last that was told of. */
  async tell(): Promise<void> {
    const head = await log.head(this.database);
    const before = this.#told;
    if (!head || head.signature === before?.signature) return;
    this.logger.info(
      { audit_seq: head.seq, audit_mac: head.mac, audit_at: head.at, audit_signature: head.signature },
      'the audit log ends here',
    );
    if (before && head.seq < before.seq)
      this.logger.error({ audit_seq: head.seq, before: before.seq }, 'the audit log was longer before');
    const path = this.config.LINECLEAR_AUDIT_HEADS_FILE;
    if (path !== undefined) await keepHead(path, head);
    this.#told = head;
  }

  async #tellOrSay(): Promise<void> {
    try {
      await this.tell();
    } catch (error) {
      this.logger.error(
        { err: error },
        'the head of the audit log could not be kept; the next minute tries again',
      );
    }
  }
}
