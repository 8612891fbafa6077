import type { Queryable, Tx } from '@lineclear/kit';
import type { ApprovalRequest } from '../domain/approval-request.js';
import type { ApprovalRequestRow } from './approval-request.entity.js';
import { requestOf } from './requests.repo.js';

/** Up to `limit` requests that somebody is still to look at, and of which was told before `toldBy`: it counts as told again. */
export async function remindOfReviews(
  tx: Tx,
  toldBy: Date,
  limit: number,
  now: Date,
): Promise<{ request: ApprovalRequest; number: number }[]> {
  const rows = await tx.query<ApprovalRequestRow>(
    `update approval_request set bypass_told = bypass_told + 1, asked_at = $3 where id in (
       select id from approval_request where bypass_review = 'due' and asked_at <= $1 order by asked_at limit $2 for update skip locked)
     returning *`,
    [toldBy, limit, now],
  );
  return rows.map((row) => ({ request: requestOf(row), number: row.bypass_told }));
}

/** Writes down up to `limit` expiries whose time has come; several replicas may do so at once. */
export async function expireRequests(tx: Tx, limit: number, now: Date): Promise<ApprovalRequest[]> {
  const rows = await tx.query<ApprovalRequestRow>(
    `update approval_request set status = 'expired', reviewed_at = $1 where id in (
       select id from approval_request where status = 'pending' and expires_at <= $1 order by expires_at limit $2 for update skip locked)
     returning *`,
    [now, limit],
  );
  return rows.map(requestOf);
}

/** Up to `limit` requests whose people were asked before `askedBy`, wait, and had no reminder of this number: it counts as sent. */
export async function remindOf(
  tx: Tx,
  number: number,
  askedBy: Date,
  limit: number,
  now: Date,
): Promise<ApprovalRequest[]> {
  const rows = await tx.query<ApprovalRequestRow>(
    `update approval_request set reminders = $1 where id in (
       select id from approval_request where status = 'pending' and awaits = 'approvers' and expires_at > $4 and asked_at <= $2 and reminders < $1
       order by expires_at limit $3 for update skip locked)
     returning *`,
    [number, askedBy, limit, now],
  );
  return rows.map(requestOf);
}

/** Up to `limit` requests whose people were asked before `askedBy`, wait, and were escalated less often than `number`. */
export async function toEscalate(
  db: Queryable,
  number: number,
  askedBy: Date,
  limit: number,
  now: Date,
): Promise<ApprovalRequest[]> {
  const rows = await db.query<ApprovalRequestRow>(
    `select * from approval_request where status = 'pending' and awaits = 'approvers' and expires_at > $4 and asked_at <= $2
       and escalations < $1 order by expires_at limit $3`,
    [number, askedBy, limit, now],
  );
  return rows.map(requestOf);
}

/** Counts the escalation of a request that still is as it was; false when somebody else was first. */
export async function escalate(
  tx: Tx,
  { id, round, stage, escalations }: ApprovalRequest,
  number: number,
): Promise<boolean> {
  const rows = await tx.query(
    `update approval_request set escalations = $5
     where id = $1 and status = 'pending' and awaits = 'approvers' and round = $2 and stage = $3 and escalations = $4 returning id`,
    [id, round, stage, escalations, number],
  );
  return rows.length > 0;
}
