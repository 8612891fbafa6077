import type { Queryable, Tx } from '@lineclear/kit';
import type { SealedRecord } from '../domain/envelope.js';
import type { Attempt } from '../domain/lookup.js';
import type { SealedColumns } from './keys.repo.js';

export interface KeptLease extends SealedColumns {
  readonly id: string;
  readonly job_id: string;
  readonly attempt: number;
  readonly path: string;
  readonly session_id: string | null;
  readonly lease_id: string;
  readonly ttl_ms: number;
  readonly grace_ms: number;
  readonly renewable: boolean;
  readonly ends_at: Date;
  readonly failures: number;
  readonly told_at: Date | null;
  readonly ended_at: Date | null;
  readonly is_current: boolean;
}

export interface DueLease extends KeptLease {
  /** Its attempt has ended, or another one came after it. */
  readonly is_over: boolean;
  /** When the token that it was made with ends, where that is certain. */
  readonly session_ends_at: Date | null;
}

export interface NewLease extends Attempt {
  readonly id: string;
  readonly path: string;
  readonly sessionId: string | null;
  readonly leaseId: string;
  readonly record: SealedRecord;
  readonly issuedAt: Date;
  readonly ttlMs: number;
  readonly graceMs: number;
  readonly renewable: boolean;
  readonly endsAt: Date;
  readonly nextAt: Date;
}

/** Keeps a lease as the one of its attempt and path; false, and nothing kept, where there is one. */
export const addLease = (tx: Tx, lease: NewLease): Promise<boolean> => insert(tx, lease, null);

/** Keeps a lease that nobody may have, until it is given back. */
export const addLeaseToGiveBack = (tx: Tx, lease: NewLease): Promise<boolean> =>
  insert(tx, lease, lease.issuedAt);

async function insert(tx: Tx, lease: NewLease, endedAt: Date | null): Promise<boolean> {
  const rows = await tx.query(
    `insert into vault_leases (id, job_id, attempt, path, session_id, lease_id, kek_id, wrapped_key, nonce, ciphertext,
        issued_at, ttl_ms, grace_ms, renewable, ends_at, next_at, ended_at, is_current)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
        $15, $16, $17, $17::timestamptz is null)
     on conflict (job_id, attempt, path) where is_current do nothing returning 1`,
    [
      lease.id,
      lease.jobId,
      lease.attempt,
      lease.path,
      lease.sessionId,
      lease.leaseId,
      lease.record.kekId,
      lease.record.wrappedKey,
      lease.record.nonce,
      lease.record.ciphertext,
      lease.issuedAt,
      lease.ttlMs,
      lease.graceMs,
      lease.renewable,
      lease.endsAt,
      endedAt ?? lease.nextAt,
      endedAt,
    ],
  );
  return rows.length > 0;
}

export async function currentLease(
  on: Queryable,
  { jobId, attempt }: Attempt,
  path: string,
): Promise<KeptLease | undefined> {
  const [row] = await on.query<KeptLease>(
    'select * from vault_leases where job_id = $1 and attempt = $2 and path = $3 and is_current',
    [jobId, attempt, path],
  );
  return row;
}

/** Another one takes its place; it is left to its end, since a process has it. */
export async function supersede(tx: Tx, id: string): Promise<void> {
  await tx.query(
    'update vault_leases set is_current = false, next_at = ends_at where id = $1 and is_current',
    [id],
  );
}

const OVER = `exists (select from claims c where c.job_id = l.job_id
  and (c.attempt > l.attempt or c.attempt = l.attempt and c.ended_at is not null))`;

/** Takes up leases that have something due, for as long as `until`, those that wait longest first. */
export const takeDueLeases = (
  on: Queryable,
  { now, until, limit }: { now: Date; until: Date; limit: number },
): Promise<DueLease[]> =>
  on.query(
    `update vault_leases l set next_at = $2 where id in (
       select id from vault_leases where next_at <= $1 order by next_at limit $3 for update skip locked)
     returning *, ${OVER} as is_over, 
       (select s.ends_at from vault_sessions s where s.id = l.session_id and not (s.is_current and s.renewable)) as session_ends_at`,
    [now, until, limit],
  );

export interface LeaseState {
  readonly endsAt: Date;
  readonly nextAt: Date;
  readonly renewable: boolean;
  readonly failures: number;
  readonly toldAt: Date | null;
}

/** What came of a renewal. A lease that is to be given back meanwhile keeps its time for that. */
export async function noteLease(on: Queryable, id: string, now: LeaseState): Promise<void> {
  await on.query(
    `update vault_leases set ends_at = $2, next_at = $3, renewable = $4, failures = $5, told_at = $6
      where id = $1 and ended_at is null`,
    [id, now.endsAt, now.nextAt, now.renewable, now.failures, now.toldAt],
  );
}

/** A revocation failed: it is tried again. */
export async function noteGiveBackFailed(on: Queryable, id: string, nextAt: Date): Promise<void> {
  await on.query('update vault_leases set failures = failures + 1, next_at = $2 where id = $1', [id, nextAt]);
}

/** Nobody may use this one any more. */
export async function endLease(on: Queryable, id: string, at: Date): Promise<void> {
  await on.query(
    'update vault_leases set ended_at = $2, failures = 0, is_current = false where id = $1 and ended_at is null',
    [id, at],
  );
}

export async function removeLease(tx: Tx, id: string): Promise<boolean> {
  return (await tx.query('delete from vault_leases where id = $1 returning 1', [id])).length > 0;
}

const END = 'ended_at = $2, next_at = $2, failures = 0, is_current = false';

/** All leases of these jobs are to be given back. */
export async function endLeasesOfJobs(tx: Tx, jobIds: readonly string[], at: Date): Promise<void> {
  await tx.query(`update vault_leases set ${END} where job_id = any($1) and ended_at is null`, [jobIds, at]);
}

/** The same for the attempts before these. */
export async function endLeasesBefore(tx: Tx, attempts: readonly Attempt[], at: Date): Promise<void> {
  await tx.query(
    `update vault_leases l set ${END} from unnest($1::text[], $3::integer[]) as n (job_id, attempt)
      where l.job_id = n.job_id and l.attempt < n.attempt and l.ended_at is null`,
    [attempts.map(({ jobId }) => jobId), at, attempts.map(({ attempt }) => attempt)],
  );
}

export interface LeasesOfPath {
  readonly path: string;
  readonly count: number;
  readonly next_end: Date;
}

export const leasesByPath = (on: Queryable, now: Date): Promise<LeasesOfPath[]> =>
  on.query(
    `select path, count(*) as count, min(ends_at) as next_end from vault_leases
      where ended_at is null and ends_at > $1 group by path`,
    [now],
  );

/** When there is something to do next for a lease or a session. */
export async function nextDue(on: Queryable): Promise<Date | null> {
  const [row] = await on.query<{ at: Date | null }>(
    `select least((select min(next_at) from vault_leases),
                  (select min(next_at) from vault_sessions where is_current)) as at`,
  );
  return row?.at ?? null;
}
