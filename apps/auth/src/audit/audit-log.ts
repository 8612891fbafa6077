import { Injectable } from '@nestjs/common';
import { newEventId } from '@lineclear/bus';
import { Clock, type Tx } from '@lineclear/kit';
import { AtRest } from '../credentials/at-rest.js';
import * as log from '../db/audit-log.repo.js';
import {
  canonicalJson,
  chained,
  GENESIS,
  signed,
  type AuditEntry,
  type Link,
  type Mac,
  type SignedLink,
} from '../domain/audit-chain.js';
import { whereToAppend } from '../domain/where-to-append.js';

/** The log's end, which grows one batch at a time however many replicas add to it. */
@Injectable()
export class AuditLog {
  readonly entryMac: Mac;
  readonly headMac: Mac;
  readonly anchorMac: Mac;

  constructor(
    atRest: AtRest,
    private readonly clock: Clock,
  ) {
    this.entryMac = atRest.macFor('audit-entry');
    this.headMac = atRest.macFor('audit-head');
    this.anchorMac = atRest.macFor('audit-anchor');
  }

  /** Holds the log's end until the transaction is over. */
  async lock(tx: Tx): Promise<log.Bounds> {
    return log.lock(tx, this.#head(GENESIS));
  }

  async append(tx: Tx, entries: readonly AuditEntry[]): Promise<void> {
    const bounds = await this.lock(tx);
    const { link, isForged } = whereToAppend(bounds, this.headMac);
    const all = isForged ? [this.#forged(bounds), ...entries] : entries;
    const rows = chained(all, link, this.entryMac);
    const last = rows.at(-1);
    if (last) await log.append(tx, rows, this.#head(last));
  }

  #head(link: Link): SignedLink {
    return signed(link, this.clock.now().toISOString(), this.headMac);
  }

  /** What stays in the log of a head that somebody put there. */
  #forged({ head, last }: log.Bounds): AuditEntry {
    return {
      event_id: newEventId(),
      at: toMicroseconds(this.clock.now()),
      service: 'auth',
      action: 'audit.head_forged',
      outcome: 'done',
      by: 'system',
      user_id: null,
      username: null,
      via: null,
      credential_id: null,
      address: null,
      request_id: null,
      target: 'audit/head',
      details: canonicalJson({ head_seq: head?.seq ?? null, last_seq: last?.seq ?? null }),
      count: 1,
    };
  }
}

/** As the database writes it. */
export const toMicroseconds = (at: Date): string => at.toISOString().replace('Z', '000Z');
