import { join } from 'node:path';
import { auditRecorded, type EventData } from '@lineclear/contracts';
import { pendingEvents, type Answer } from '@lineclear/testkit';
import { expect, vi } from 'vitest';
import { openAuthHouse, type AuthHouse } from './auth-house.js';

/** The auth service with what tests of its log ask again and again. */
export interface AuditHouse extends AuthHouse {
  readonly headsFile: string;
  query<T>(sql: string, values?: unknown[]): Promise<T[]>;
  verify(range?: string): Promise<Answer['body']>;
  entries(filter: string): Promise<Answer['body'][]>;
  /** Puts on the stream what other services say, and waits until it is in the log. */
  say(...data: EventData<typeof auditRecorded>[]): Promise<void>;
  /** Waits until everything that was said is in the log; what is in auth's own outbox too. */
  settled(): Promise<void>;
  seqs(): Promise<number[]>;
}

/** Something of another service. */
export const said = (action: string, more: Partial<EventData<typeof auditRecorded>> = {}) => ({
  action,
  outcome: 'done' as const,
  by: 'system' as const,
  ...more,
});

export async function openAuditHouse(): Promise<AuditHouse> {
  const fileIn = (dir: string): string => join(dir, 'heads.jsonl');
  const house = await openAuthHouse({ envOf: (dir) => ({ LINECLEAR_AUDIT_HEADS_FILE: fileIn(dir) }) });
  const query = <T>(sql: string, values: unknown[] = []): Promise<T[]> =>
    house.service.database.query<T>(sql, values);
  const settled = (): Promise<void> =>
    vi.waitFor(async () => {
      expect(await query('select from outbox')).toEqual([]);
      expect(await pendingEvents(house.backends.nats.url, 'auth')).toBe(0);
    });
  return {
    ...house,
    headsFile: fileIn(house.backends.dir),
    query,
    settled,
    verify: async (range = '') => (await house.admin.get(`/api/audit/verify${range}`)).body,
    entries: async (filter) => (await house.admin.get(`/api/audit?${filter}`)).body.entries,
    async say(...data) {
      await house.peer.publishTogether(auditRecorded, data);
      await settled();
    },
    seqs: async () =>
      (await query<{ seq: number }>('select seq from audit_log order by seq')).map(({ seq }) => seq),
  };
}
