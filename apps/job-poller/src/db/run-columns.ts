import type { Run } from '../domain/run.js';

type Column = readonly [property: keyof Run, column: string, type: string];

/** What a step may change of a run, each with its column and its type in SQL. */
export const MUTABLE_COLUMNS: readonly Column[] = [
  ['externalId', 'external_id', 'text'],
  ['account', 'account', 'text'],
  ['remoteState', 'remote_state', 'text'],
  ['outcome', 'outcome', 'text'],
  ['cause', 'cause', 'text'],
  ['exitCode', 'exit_code', 'int'],
  ['message', 'message', 'text'],
  ['costUsd', 'cost_usd', 'numeric'],
  ['progress', 'progress', 'json'],
  ['published', 'published', 'json'],
  ['failures', 'failures', 'int'],
  ['missingCount', 'missing_count', 'int'],
  ['missingSince', 'missing_since', 'timestamptz'],
  ['startedAt', 'started_at', 'timestamptz'],
  ['runningSince', 'running_since', 'timestamptz'],
  ['lastObservedAt', 'last_observed_at', 'timestamptz'],
  ['lookedAt', 'looked_at', 'timestamptz'],
  ['endedAt', 'ended_at', 'timestamptz'],
  ['cancelSentAt', 'cancel_sent_at', 'timestamptz'],
  ['logCursor', 'log_cursor', 'text'],
  ['logSeq', 'log_seq', 'int'],
  ['logBytes', 'log_bytes', 'int'],
  ['logTruncated', 'log_truncated', 'boolean'],
  ['logCheckedAt', 'log_checked_at', 'timestamptz'],
  ['leaked', 'leaked', 'json'],
];

const FIXED_COLUMNS: readonly Column[] = [
  ['id', 'id', 'uuid'],
  ['jobId', 'job_id', 'text'],
  ['attempt', 'attempt', 'int'],
  ['claimId', 'claim_id', 'uuid'],
  ['userId', 'user_id', 'int'],
  ['orgId', 'org_id', 'int'],
  ['teamId', 'team_id', 'int'],
  ['provider', 'provider', 'text'],
  ['hardware', 'hardware', 'text'],
  ['secrets', 'secrets', 'text[]'],
  ['secretUses', 'secret_uses', 'json'],
  ['maxRuntimeSeconds', 'max_runtime_seconds', 'int'],
  ['outputPath', 'output_path', 'text'],
  ['checkpointPath', 'checkpoint_path', 'text'],
  ['runKey', 'run_key', 'text'],
  ['traceparent', 'traceparent', 'text'],
  ['createdAt', 'created_at', 'timestamptz'],
  ['state', 'state', 'text'],
  ['submitStartedAt', 'submit_started_at', 'timestamptz'],
  ['listedAt', 'listed_at', 'timestamptz'],
  ['stopReason', 'stop_reason', 'text'],
  ['stopRequestedAt', 'stop_requested_at', 'timestamptz'],
  ['leaseToken', 'lease_token', 'int'],
  ['version', 'version', 'int'],
];

/** Everything of a run but its config, which only a submit needs. */
export const COLUMNS: readonly Column[] = [...FIXED_COLUMNS, ...MUTABLE_COLUMNS];

export const selectList = (table: string, columns: readonly Column[]): string =>
  columns.map(([property, column]) => `${table}.${column} as "${property}"`).join(', ');

/** The mutable columns as `json_to_recordset` wants them declared. */
export const RECORDSET = MUTABLE_COLUMNS.map(([property, , type]) => `"${property}" ${type}`).join(', ');
