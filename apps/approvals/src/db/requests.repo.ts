import type { Queryable, Tx } from '@lineclear/kit';
import type { ApprovalRequest, BypassReview, Via } from '../domain/approval-request.js';
import type { ApprovalRequestRow } from './approval-request.entity.js';

export type NewRequest = Omit<
  ApprovalRequest,
  | 'status'
  | 'createdAt'
  | 'askedAt'
  | 'escalations'
  | 'stage'
  | 'round'
  | 'awaits'
  | 'reviewedBy'
  | 'reviewedById'
  | 'reviewedAt'
  | 'reviewNotes'
  | 'decidedVia'
  | 'bypassReview'
>;

/** Opens these requests, and says which ones; a job that has one already, or was cancelled before, keeps what it has. */
export async function openRequests(
  tx: Tx,
  requests: readonly NewRequest[],
  now: Date,
): Promise<ReadonlySet<string>> {
  if (requests.length === 0) return new Set();
  // In one order everywhere, so that replicas that meet wait for each other and do not deadlock.
  const sorted = requests.toSorted((a, b) => (a.jobId < b.jobId ? -1 : 1));
  const rows = await tx.query<{ id: string }>(
    `insert into approval_request (id, job_id, user_id, username, provider, config_name, hardware, estimated_cost_usd, rule_id,
       rule_name, reason, stages, rejections, expires_at, traceparent, org_id, team_id, status, created_at, asked_at)
     select r.*, 'pending', $18::timestamptz, $18::timestamptz from unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::text[],
       $6::text[], $7::text[], $8::numeric[], $9::int[], $10::text[], $11::text[], $12::jsonb[], $13::int[], $14::timestamptz[],
       $15::text[], $16::int[], $17::int[]) as r
     on conflict do nothing returning id`,
    [
      sorted.map((r) => r.id),
      sorted.map((r) => r.jobId),
      sorted.map((r) => r.userId),
      sorted.map((r) => r.username),
      sorted.map((r) => r.provider),
      sorted.map((r) => r.configName),
      sorted.map((r) => r.hardware),
      sorted.map((r) => r.estimatedCostUsd),
      sorted.map((r) => r.ruleId),
      sorted.map((r) => r.ruleName),
      sorted.map((r) => r.reason),
      sorted.map((r) => JSON.stringify(r.stages)),
      sorted.map((r) => r.rejections),
      sorted.map((r) => r.expiresAt),
      sorted.map((r) => r.traceparent),
      sorted.map((r) => r.orgId),
      sorted.map((r) => r.teamId),
      now,
    ],
  );
  return new Set(rows.map(({ id }) => id));
}

/** What is known of these jobs: a request, or `never` where the job was cancelled before one was opened. */
export async function requestsOfJobs(
  db: Queryable,
  jobIds: readonly string[],
): Promise<Map<string, ApprovalRequest | 'never'>> {
  const rows = await db.query<ApprovalRequestRow>(
    'select * from approval_request where job_id = any($1::text[])',
    [jobIds],
  );
  return new Map(rows.map((row) => [row.job_id, row.status === 'never_opened' ? 'never' : requestOf(row)]));
}

/** Ends what waits for a decision on jobs that are cancelled, and marks those whose request has not come yet. */
export async function closeForCancelledJobs(
  tx: Tx,
  jobs: readonly {
    id: string;
    markId: string;
    userId: number;
    username: string;
    provider: string;
    configName: string;
  }[],
  now: Date,
): Promise<void> {
  const sorted = jobs.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  // A mark has no rule and no cost, only the job. One statement, so that a request being opened at this moment is met.
  await tx.query(
    `insert into approval_request (id, job_id, user_id, username, provider, config_name, hardware, estimated_cost_usd, rule_id,
       rule_name, reason, stages, expires_at, status, created_at, asked_at)
     select j.*, '', 0, 0, '', '', '[]'::jsonb, $7::timestamptz, 'never_opened', $7::timestamptz, $7::timestamptz
     from unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[]) as j
     on conflict (job_id) do update set status = 'cancelled', reviewed_at = $7 where approval_request.status = 'pending'`,
    [
      sorted.map((job) => job.markId),
      sorted.map((job) => job.id),
      sorted.map((job) => job.userId),
      sorted.map((job) => job.username),
      sorted.map((job) => job.provider),
      sorted.map((job) => job.configName),
      now,
    ],
  );
}

/** Forgets marks from before `before`: no event older than that can still arrive. */
export async function forgetMarks(db: Queryable, before: Date): Promise<void> {
  await db.query(`delete from approval_request where status = 'never_opened' and created_at < $1`, [before]);
}

export async function findRequest(db: Queryable, id: string): Promise<ApprovalRequest | undefined> {
  return first(
    await db.query<ApprovalRequestRow>(
      `select * from approval_request where id = $1 and status <> 'never_opened'`,
      [id],
    ),
  );
}

/** The request, which nobody else decides until the transaction ends. */
export async function lockRequest(tx: Tx, id: string): Promise<ApprovalRequest | undefined> {
  return first(
    await tx.query<ApprovalRequestRow>(
      `select * from approval_request where id = $1 and status <> 'never_opened' for no key update`,
      [id],
    ),
  );
}

export async function findRequestOfJob(db: Queryable, jobId: string): Promise<ApprovalRequest | undefined> {
  return first(
    await db.query<ApprovalRequestRow>(
      `select * from approval_request where job_id = $1 and status <> 'never_opened'`,
      [jobId],
    ),
  );
}

export interface Outcome {
  readonly status: 'approved' | 'rejected' | 'cancelled';
  readonly byId: number;
  readonly by: string;
  readonly notes: string | null;
  readonly via: Via;
}

/** Writes the outcome if the request still waits and is in time; otherwise changes nothing. One statement: one winner. */
export async function settleRequest(
  tx: Tx,
  id: string,
  outcome: Outcome,
  now: Date,
): Promise<ApprovalRequest | undefined> {
  return first(
    await tx.query<ApprovalRequestRow>(
      `update approval_request set status = $2, reviewed_by_id = $3, reviewed_by = $4, review_notes = $5, decided_via = $6, reviewed_at = $7
       where id = $1 and status = 'pending' and expires_at > $7 returning *`,
      [id, outcome.status, outcome.byId, outcome.by, outcome.notes, outcome.via, now],
    ),
  );
}

/** The next stage, whose people are asked from now on, if the request still waits and is in time. */
export async function startStage(
  tx: Tx,
  id: string,
  stage: number,
  now: Date,
): Promise<ApprovalRequest | undefined> {
  return first(
    await tx.query<ApprovalRequestRow>(
      `update approval_request set stage = $2, asked_at = $3, reminders = 0, escalations = 0
       where id = $1 and status = 'pending' and expires_at > $3 returning *`,
      [id, stage, now],
    ),
  );
}

/** Ends the round: the requester is to act. */
export async function endRound(tx: Tx, id: string, now: Date): Promise<ApprovalRequest | undefined> {
  return first(
    await tx.query<ApprovalRequestRow>(
      `update approval_request set awaits = 'requester', asked_at = $2
       where id = $1 and status = 'pending' and awaits = 'approvers' and expires_at > $2 returning *`,
      [id, now],
    ),
  );
}

/** Begins another round, which waits until `expiresAt`. */
export async function startRound(
  tx: Tx,
  id: string,
  expiresAt: Date,
  now: Date,
): Promise<ApprovalRequest | undefined> {
  return first(
    await tx.query<ApprovalRequestRow>(
      `update approval_request set awaits = 'approvers', round = round + 1, stage = 0, reminders = 0, escalations = 0, asked_at = $2,
         expires_at = $3
       where id = $1 and status = 'pending' and awaits = 'requester' and expires_at > $2 returning *`,
      [id, now, expiresAt],
    ),
  );
}

/** From now on somebody is to look at what was passed. */
export async function demandReview(tx: Tx, id: string, now: Date): Promise<void> {
  await tx.query(
    `update approval_request set bypass_review = 'due', bypass_told = 1, asked_at = $2 where id = $1`,
    [id, now],
  );
}

export async function setReview(tx: Tx, id: string, verdict: BypassReview): Promise<void> {
  await tx.query('update approval_request set bypass_review = $2 where id = $1', [id, verdict]);
}

/** Whether this person passed an approval before `before` that nobody has looked at yet. */
export async function hasReviewDue(db: Queryable, userId: number, before: Date): Promise<boolean> {
  const rows = await db.query(
    `select from approval_request where user_id = $1 and bypass_review = 'due' and reviewed_at <= $2 limit 1`,
    [userId, before],
  );
  return rows.length > 0;
}

const first = ([row]: ApprovalRequestRow[]): ApprovalRequest | undefined => row && requestOf(row);

/** @throws for the mark of a job whose request never came */
export function requestOf(row: ApprovalRequestRow): ApprovalRequest {
  if (row.status === 'never_opened') throw new Error(`the mark of ${row.job_id} was taken for a request`);
  return {
    id: row.id,
    jobId: row.job_id,
    userId: row.user_id,
    orgId: row.org_id,
    teamId: row.team_id,
    username: row.username,
    provider: row.provider,
    configName: row.config_name,
    hardware: row.hardware,
    estimatedCostUsd: row.estimated_cost_usd,
    ruleId: row.rule_id,
    ruleName: row.rule_name,
    reason: row.reason,
    stages: row.stages,
    rejections: row.rejections,
    stage: row.stage,
    round: row.round,
    awaits: row.awaits,
    status: row.status,
    createdAt: row.created_at,
    askedAt: row.asked_at,
    escalations: row.escalations,
    expiresAt: row.expires_at,
    reviewedBy: row.reviewed_by,
    reviewedById: row.reviewed_by_id,
    reviewedAt: row.reviewed_at,
    reviewNotes: row.review_notes,
    decidedVia: row.decided_via,
    bypassReview: row.bypass_review,
    traceparent: row.traceparent,
  };
}
