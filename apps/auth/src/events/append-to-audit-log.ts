import { Controller } from '@nestjs/common';
import { OnEvents } from '@lineclear/bus';
import { auditRecorded, type EventOf } from '@lineclear/contracts';
import type { Tx } from '@lineclear/kit';
import { AuditLog, toMicroseconds } from '../audit/audit-log.js';
import { canonicalJson, type AuditEntry } from '../domain/audit-chain.js';

/** Keeps what every service says was done or refused. */
@Controller()
export class AppendToAuditLog {
  constructor(private readonly log: AuditLog) {}

  @OnEvents(auditRecorded)
  async append(events: EventOf<typeof auditRecorded>[], tx: Tx): Promise<void> {
    await this.log.append(tx, events.map(entryOf));
  }
}

function entryOf({ id, source, time, data }: EventOf<typeof auditRecorded>): AuditEntry {
  const { actor } = data;
  return {
    event_id: id,
    at: toMicroseconds(new Date(time)),
    service: source.replace(/^lineclear\//, ''),
    action: data.action,
    outcome: data.outcome,
    by: data.by,
    user_id: actor?.user_id ?? null,
    username: actor?.username ?? null,
    via: actor?.via ?? null,
    credential_id: actor?.credential_id ?? null,
    address: data.address ?? null,
    request_id: data.request_id ?? null,
    target: data.target ?? null,
    details: canonicalJson(data.details),
    count: data.count,
  };
}
