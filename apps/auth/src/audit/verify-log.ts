import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, Database } from '@lineclear/kit';
import type { Config } from '../config.js';
import * as log from '../db/audit-log.repo.js';
import {
  faultsOf,
  faultsOfEnd,
  faultsOfKept,
  GENESIS,
  isSigned,
  missing,
  type Before,
  type Fault,
  type Link,
} from '../domain/audit-chain.js';
import { AuditLog } from './audit-log.js';
import { keptHeads } from './heads-file.js';

export interface Range {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** A head that somebody kept, of when the log ended there. */
  readonly keptHead?: Link | undefined;
}

export interface Verdict {
  readonly valid: boolean;
  readonly checked: number;
  readonly first_seq: number | null;
  readonly last_seq: number | null;
  /** The first of what is wrong. */
  readonly broken: readonly Fault[];
}

const READ_AT_ONCE = 1_000;
const MAX_FAULTS = 100;

/** Proves the log, or a part of it: entry by entry, where it begins, where it ends, and by the heads that were kept of it. */
@Injectable()
export class VerifyLog {
  constructor(
    private readonly database: Database,
    private readonly chain: AuditLog,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async verify(range: Range): Promise<Verdict> {
    for (;;) {
      const bounds = await log.bounds(this.database);
      const verdict = await this.#verify(range, bounds);
      const { anchor } = await log.bounds(this.database);
      // What was too old went meanwhile: what was missed then is not missing.
      if (anchor?.seq === bounds.anchor?.seq) return verdict;
    }
  }

  async #verify(range: Range, bounds: log.Bounds): Promise<Verdict> {
    const base: Link = bounds.anchor ?? GENESIS;
    const end = bounds.last ?? base;
    const from = Math.max(range.from ?? 1, base.seq + 1);
    const to = Math.min(range.to ?? end.seq, end.seq);
    const faults = this.#faultsOfBeginning(bounds);
    const heads = await this.#kept(range, base, end, faults);

    let last: Before = from === base.seq + 1 ? base : { seq: from - 1, mac: await this.#macOf(from - 1) };
    let checked = 0;
    for (let next = from; next <= to;) {
      const rows = await log.from(this.database, next, to, READ_AT_ONCE);
      const found = faultsOf(rows, last, this.chain.entryMac);
      faults.push(...found.faults);
      for (const { seq, mac } of rows)
        for (const kept of heads.get(seq) ?? [])
          faults.push(...faultsOfKept({ seq, mac }, { seq, mac: kept }));
      checked += rows.length;
      last = found.last;
      if (rows.length < READ_AT_ONCE) break;
      next = last.seq + 1;
    }
    if (last.seq < to) faults.push(missing(last.seq + 1, to));
    // It ends where its last entry is, however few of them were to be looked at.
    if (range.to === undefined || range.to >= end.seq)
      faults.push(...faultsOfEnd(end, bounds.head, this.chain.headMac));
    return {
      valid: faults.length === 0,
      checked,
      first_seq: checked > 0 ? from : null,
      last_seq: checked > 0 ? last.seq : null,
      broken: faults.toSorted((a, b) => a.seq - b.seq).slice(0, MAX_FAULTS),
    };
  }

  #faultsOfBeginning({ first, anchor }: log.Bounds): Fault[] {
    if (!anchor) return [];
    if (!isSigned(anchor, this.chain.anchorMac))
      return [{ seq: anchor.seq, what: 'is named as where the log begins, but that was not signed here' }];
    return first !== undefined && first <= anchor.seq
      ? [{ seq: first, what: 'is there, but the log begins later' }]
      : [];
  }

  /** The macs of entries by the heads that named them; heads that name none of them are judged at once. */
  async #kept(
    { keptHead, from = 1, to = Infinity }: Range,
    base: Link,
    end: Link,
    faults: Fault[],
  ): Promise<ReadonlyMap<number, readonly string[]>> {
    const heads = new Map<number, string[]>();
    const judge = async (head: Link): Promise<void> => {
      if (head.seq > end.seq) faults.push(missing(end.seq + 1, head.seq));
      else if (head.seq === base.seq) faults.push(...faultsOfKept(base, head));
      else if (head.seq > base.seq && head === keptHead && (head.seq < from || head.seq > to))
        faults.push(...faultsOfKept({ seq: head.seq, mac: await this.#macOf(head.seq) }, head));
      else if (head.seq > base.seq) heads.set(head.seq, [...(heads.get(head.seq) ?? []), head.mac]);
    };
    if (keptHead) await judge(keptHead);
    const path = this.config.LINECLEAR_AUDIT_HEADS_FILE;
    if (path === undefined) return heads;
    let line = 0;
    let longest: Link = GENESIS;
    for await (const head of keptHeads(path)) {
      line += 1;
      if (!head || !isSigned(head, this.chain.headMac))
        faults.push({ seq: head?.seq ?? 0, what: `line ${line} of the file of heads was not signed here` });
      else if (head.seq > end.seq) longest = head.seq > longest.seq ? head : longest;
      else await judge(head);
    }
    // A head that was kept a moment ago may name what has come since the log was looked at.
    const now = (await log.bounds(this.database)).last ?? end;
    if (longest.seq > now.seq) faults.push(missing(now.seq + 1, longest.seq));
    return heads;
  }

  async #macOf(seq: number): Promise<string | undefined> {
    return log.macOf(this.database, seq);
  }
}
