import type { Queryable } from '@lineclear/kit';
import type { ApprovalRequest, BypassReview, RequestStatus } from '../domain/approval-request.js';
import type { ApprovalRequestRow } from './approval-request.entity.js';
import { requestOf } from './requests.repo.js';

export interface RequestFilter {
  readonly status?: RequestStatus | undefined;
  readonly userId?: number | undefined;
  /** null for those of no organisation. */
  readonly orgId?: number | null | undefined;
  readonly bypassReview?: BypassReview | undefined;
}

/** The condition of a filter, with its values. Each filter has its own text, so that each can use its own index. */
function where(
  filter: RequestFilter,
  now: Date,
): { values: unknown[]; condition: string; value: (given: unknown) => string } {
  const values: unknown[] = [];
  const value = (given: unknown): string => `$${values.push(given)}`;
  const conditions = [statusCondition(filter.status, now, value)];
  if (filter.userId !== undefined) conditions.push(`user_id = ${value(filter.userId)}`);
  if (filter.bypassReview !== undefined) conditions.push(`bypass_review = ${value(filter.bypassReview)}`);
  if (filter.orgId === null) conditions.push('org_id is null');
  else if (filter.orgId !== undefined) conditions.push(`org_id = ${value(filter.orgId)}`);
  return { values, condition: conditions.join(' and '), value };
}

function statusCondition(
  status: RequestStatus | undefined,
  now: Date,
  value: (given: unknown) => string,
): string {
  if (status === undefined) return `status <> 'never_opened'`;
  if (status === 'pending') return `status = 'pending' and expires_at > ${value(now)}`;
  // Pending and past is as good as expired, before the sweep as after it.
  if (status === 'expired')
    return `(status = 'expired' or (status = 'pending' and expires_at <= ${value(now)}))`;
  return `status = ${value(status)}`;
}

/** The newest `limit` requests below `before`, newest first, each with its place in the list. */
export async function listRequests(
  db: Queryable,
  filter: RequestFilter,
  page: { limit: number; before: number | undefined },
  now: Date,
): Promise<{ seq: number; request: ApprovalRequest }[]> {
  const { values, condition, value } = where(filter, now);
  const before = page.before === undefined ? '' : `and seq < ${value(page.before)}`;
  const rows = await db.query<ApprovalRequestRow>(
    `select * from approval_request where ${condition} ${before} order by seq desc limit ${value(page.limit)}`,
    values,
  );
  return rows.map((row) => ({ seq: row.seq, request: requestOf(row) }));
}

export async function countRequests(db: Queryable, filter: RequestFilter, now: Date): Promise<number> {
  const { values, condition } = where(filter, now);
  const [row] = await db.query<{ count: number }>(
    `select count(*) as count from approval_request where ${condition}`,
    values,
  );
  return row?.count ?? 0;
}
