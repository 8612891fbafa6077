import type { Queryable, Tx } from '@lineclear/kit';
import type { SealedRecord } from '../domain/envelope.js';
import type { SealedColumns } from './keys.repo.js';

export interface KeptSession extends SealedColumns {
  readonly id: string;
  readonly started_at: Date;
  /** Null for a token that does not end. */
  readonly ends_at: Date | null;
  readonly grace_ms: number;
  readonly renewable: boolean;
  readonly failures: number;
  readonly is_current: boolean;
}

export interface NewSession {
  readonly id: string;
  readonly record: SealedRecord;
  readonly startedAt: Date;
  readonly endsAt: Date | null;
  readonly graceMs: number;
  readonly renewable: boolean;
  readonly nextAt: Date | null;
}

/** Keeps a session as the one that new leases are made with; where there is such a one already, as one to be given back. Whether it is the one. */
export async function addSession(tx: Tx, session: NewSession): Promise<boolean> {
  const insert = (isCurrent: boolean): Promise<unknown[]> =>
    tx.query(
      `insert into vault_sessions (id, kek_id, wrapped_key, nonce, ciphertext, started_at, ends_at, grace_ms, renewable, next_at, is_current)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
       on conflict (is_current) where is_current do nothing returning 1`,
      [
        session.id,
        session.record.kekId,
        session.record.wrappedKey,
        session.record.nonce,
        session.record.ciphertext,
        session.startedAt,
        session.endsAt,
        session.graceMs,
        session.renewable,
        isCurrent ? session.nextAt : session.startedAt,
        isCurrent,
      ],
    );
  if ((await insert(true)).length > 0) return true;
  await insert(false);
  return false;
}

export async function currentSession(on: Queryable): Promise<KeptSession | undefined> {
  const [row] = await on.query<KeptSession>('select * from vault_sessions where is_current');
  return row;
}

export async function findSession(on: Queryable, id: string): Promise<KeptSession | undefined> {
  const [row] = await on.query<KeptSession>('select * from vault_sessions where id = $1', [id]);
  return row;
}

/** When a session ends, where that is certain. Until the transaction ends nothing changes about it. */
export async function certainEndOf(tx: Tx, id: string): Promise<Date | null> {
  const [row] = await tx.query<KeptSession>('select * from vault_sessions where id = $1 for share', [id]);
  return row && !(row.is_current && row.renewable) ? row.ends_at : null;
}

/** Takes up the sessions that have something due, for as long as `until`: to be renewed, or given back where no lease is left. */
export const takeDueSessions = (on: Queryable, now: Date, until: Date): Promise<KeptSession[]> =>
  on.query(
    `update vault_sessions set next_at = $2 where id in (
       select id from vault_sessions s where next_at <= $1
          and (is_current or not exists (select from vault_leases l where l.session_id = s.id))
        for update skip locked)
     returning *`,
    [now, until],
  );

export async function noteSessionRenewed(
  on: Queryable,
  id: string,
  endsAt: Date,
  nextAt: Date,
): Promise<void> {
  await on.query('update vault_sessions set ends_at = $2, next_at = $3, failures = 0 where id = $1', [
    id,
    endsAt,
    nextAt,
  ]);
}

export async function noteSessionFailed(on: Queryable, id: string, nextAt: Date): Promise<void> {
  await on.query('update vault_sessions set failures = failures + 1, next_at = $2 where id = $1', [
    id,
    nextAt,
  ]);
}

/** No new lease is made with it: it is given back when the last one is gone, but not before `notBefore`. Its leases end with it. */
export async function retireSession(
  tx: Tx,
  id: string,
  { endsAt, notBefore, now }: { endsAt: Date | null; notBefore: Date; now: Date },
): Promise<void> {
  await tx.query(
    'update vault_sessions set is_current = false, ends_at = $2, next_at = $3, failures = 0 where id = $1',
    [id, endsAt, notBefore],
  );
  await tx.query(
    `update vault_leases set ends_at = least(ends_at, $2), next_at = least(next_at, $3)
      where session_id = $1 and ended_at is null`,
    [id, endsAt, now],
  );
}

export async function removeSession(on: Queryable, id: string): Promise<void> {
  await on.query('delete from vault_sessions where id = $1', [id]);
}
