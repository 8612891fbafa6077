import type { SecretEntry } from '@lineclear/contracts';
import { Check, Column, Entity, Index, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';

/** A job, as `Job` in domain/job.ts. `ord` is its place in the queue, there while it is in line; `last_ord` the one that it had. */
@Entity('jobs')
@Index('jobs_by_user', ['user_id', 'id'])
@Index('jobs_by_org', { synchronize: false })
@Index('jobs_in_lane', { synchronize: false })
@Index('jobs_in_queue', { synchronize: false })
@Index('jobs_lease', { synchronize: false })
@Index('jobs_of_array', { synchronize: false })
@Index('jobs_live', { synchronize: false })
@Index('jobs_not_before', { synchronize: false })
@Index('jobs_with_slot', { synchronize: false })
@Index('jobs_measured', { synchronize: false })
export class JobRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'jobs_pk' }) id: string;
  @Column('int4') user_id: number;
  @Column('int4', { nullable: true }) team_id: number | null;
  @Column('int4', { nullable: true }) org_id: number | null;
  @Column('text') username: string;
  @Column('text') level: string;
  @Column('int2') own_band: number;
  @Column('int2') band: number;
  @Column('bool', { default: false }) on_hold: boolean;
  @Column('text') provider: string;
  @Column('text') config_name: string;
  @Column('json') config: object;
  @Column('int4') estimated_duration_seconds: number;
  @Column('int4', { nullable: true }) max_runtime_seconds: number | null;
  @Column('text', { nullable: true }) output_path: string | null;
  @Column('text', { nullable: true }) checkpoint_path: string | null;
  @Column('text', { nullable: true }) array_id: string | null;
  @Column('int4', { nullable: true }) array_index: number | null;
  @Column('json', { nullable: true }) parameters: object | null;
  @Column('json', { default: [] }) depends_on: object[];
  @Column('bool', { default: false }) preemptible: boolean;
  @Column('json', { nullable: true }) retry: object | null;
  @Column('json') secrets: SecretEntry[];
  @Column('json') labels: object;
  @Column('json') facts: object;
  @Column('text', { nullable: true }) traceparent: string | null;
  @Column('timestamptz') submitted_at: Date;

  @Column('text') hardware: string;
  @Column('numeric') cost_per_hour_usd: number;
  @Column('int4', { default: 1 }) gpus: number;
  @Column('numeric') estimated_cost_usd: number;
  @Column('text') state: string;
  @Column('int4') version: number;
  @Column('json', { nullable: true }) approval: object | null;
  @Column('json', { default: [] }) approved_secrets: object[];
  @Column('json', { nullable: true }) approved_by: object | null;
  @Column('timestamptz', { nullable: true }) held_at: Date | null;
  @Column('timestamptz', { nullable: true }) queued_at: Date | null;
  @Column('int8', { nullable: true }) ord: number | null;
  @Column('int8', { nullable: true }) last_ord: number | null;
  @Column('int4') attempt: number;
  @Column('json', { default: [] }) attempts: object[];
  @Column('int4', { default: 0 }) unmet: number;
  @Column('timestamptz', { nullable: true }) not_before: Date | null;
  @Column('uuid', { nullable: true }) claim_id: string | null;
  @Column('timestamptz', { nullable: true }) claimed_at: Date | null;
  @Column('timestamptz', { nullable: true }) lease_until: Date | null;
  @Column('timestamptz', { nullable: true }) started_at: Date | null;
  @Column('timestamptz', { nullable: true }) cancel_requested_at: Date | null;
  @Column('json', { nullable: true }) cancelled_by: object | null;
  @Column('text', { nullable: true }) stopped_for: string | null;
  @Column('timestamptz', { nullable: true }) ended_at: Date | null;
  @Column('text', { nullable: true }) end_reason: string | null;
  @Column('text', { nullable: true }) message: string | null;
  @Column('text', { nullable: true }) external_id: string | null;
  @Column('json', { nullable: true }) progress: object | null;
  @Column('numeric', { nullable: true }) cost_usd: number | null;
}

/** A job that another one follows, until that has been told how it ended. */
@Entity('dependencies')
@Index('dependencies_follows', ['follows'])
@Index('dependencies_ended', { synchronize: false })
export class DependencyRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'dependencies_pk' }) job_id: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'dependencies_pk' }) follows: string;
  @Column('text') condition: string;
  @Column('text', { nullable: true }) ended_as: string | null;
}

/** What a caller's key stands for: the same request again gets the same job. */
@Entity('idempotency_keys')
@Index('idempotency_keys_created_at', ['created_at'])
export class IdempotencyKeyRow {
  @PrimaryColumn('int4', { primaryKeyConstraintName: 'idempotency_keys_pk' }) user_id: number;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'idempotency_keys_pk' }) key: string;
  @Column('text') request_sha256: string;
  @Column('text') job_id: string;
  @Column('timestamptz') created_at: Date;
}

/** How many jobs a user submitted in an hour; old hours are folded into one row at the epoch. */
@Entity('submissions')
export class SubmissionsRow {
  @PrimaryColumn('int4', { primaryKeyConstraintName: 'submissions_pk' }) user_id: number;
  @PrimaryColumn('timestamptz', { primaryKeyConstraintName: 'submissions_pk' }) hour: Date;
  @Column('int4') jobs: number;
}

/** The ceilings on jobs that hold a slot, and how the queue is ordered; one row. */
@Entity('limits')
@Check('limits_one_row', 'id = 1')
export class LimitsRow {
  @PrimaryColumn('int4', { primaryKeyConstraintName: 'limits_pk' }) id: number;
  @Column('int4') max_concurrent: number;
  @Column('int4') user_max_concurrent: number;
  @Column('bool', { default: false }) is_paused: boolean;
  @Column('float8', { default: 168 }) half_life_hours: number;
  @Column('float8', { default: 60 }) starvation_threshold_minutes: number;
  @Column('int4', { default: 4 }) guard_every: number;
  @Column('bool', { default: false }) reserves: boolean;
  @Column('float8', { nullable: true }) preempt_after_minutes: number | null;
  @Column('float8', { default: 30 }) preempt_min_runtime_minutes: number;
  /** How many jobs were let in: every so many of them it is the turn of one that waited too long. */
  @Column('int8', { default: 0 }) decisions: number;
}

/** How many slots are taken by a user, a team or an organisation, and by the whole house (its subject is 0). */
@Entity('slots')
@Index('slots_nominal', { synchronize: false })
@Check('slots_not_negative', 'running >= 0')
export class SlotsRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'slots_pk' }) scope: 'house' | 'user' | 'team' | 'org';
  @PrimaryColumn('int4', { primaryKeyConstraintName: 'slots_pk' }) subject: number;
  @Column('int4') running: number;
  /** How many of them are an org's or a team's own: beyond it borrows. */
  @Column('int4', { nullable: true }) nominal: number | null;
}

/** How many jobs run on machines of one kind. */
@Entity('pools')
@Check('pools_not_negative', 'running >= 0')
export class PoolRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'pools_pk' }) provider: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'pools_pk' }) hardware: string;
  @PrimaryColumn('int4', { primaryKeyConstraintName: 'pools_pk' }) gpus: number;
  @Column('int4') running: number;
}

/** How much of a provider or a kind of machine may be taken at once. */
@Entity('pool_limits')
export class PoolLimitRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'pool_limits_pk' }) kind: 'provider' | 'hardware';
  @PrimaryColumn('text', { primaryKeyConstraintName: 'pool_limits_pk' }) name: string;
  @Column('int4', { nullable: true }) at_most: number | null;
  @Column('bool') is_paused: boolean;
}

/** When nothing runs of the house, a provider or hardware. */
@Entity('maintenance')
export class MaintenanceRow {
  @PrimaryGeneratedColumn('identity', { type: 'int4', primaryKeyConstraintName: 'maintenance_pk' })
  id: number;
  @Column('text') kind: 'house' | 'provider' | 'hardware';
  @Column('text') name: string;
  @Column('timestamptz') starts_at: Date;
  @Column('timestamptz') ends_at: Date;
  @Column('text') reason: string;
  /** What still runs when it begins is stopped, and goes back into the queue. */
  @Column('bool') stops_runs: boolean;
}

/** What an org, a team of it, a user of this used, as domain/share.ts counts it. */
@Entity('shares')
export class ShareRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'shares_pk' }) key: string;
  @Column('float8') used: number;
}

/**
 * What waits of an org (its parent is -1) or of a team (its parent is its org) in a band and pool: what was used, whether
 * there is a lane below it that may go, and since when the oldest job waits that may.
 */
@Entity('branches')
@Index('branches_ready', { synchronize: false })
@Index('branches_oldest', { synchronize: false })
export class BranchRow {
  @PrimaryColumn('int4', { primaryKeyConstraintName: 'branches_pk' }) place: number;
  @PrimaryColumn('int4', { primaryKeyConstraintName: 'branches_pk' }) parent: number;
  @PrimaryColumn('int2', { primaryKeyConstraintName: 'branches_pk' }) band: number;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'branches_pk' }) pool: string;
  @Column('float8') used: number;
  @Column('bool', { default: false }) borrows: boolean;
  @Column('bool', { default: false }) is_full: boolean;
  @Column('bool', { default: false }) is_ready: boolean;
  @Column('timestamptz', { nullable: true }) oldest: Date | null;
}

/**
 * The queued jobs of a user in a band and pool that count under one team and organisation (0 for none): how many, where the
 * first one stands and since when, what the user used, whether he is at the ceiling, and until when a quota holds them.
 */
@Entity('lanes')
@Check('lanes_not_negative', 'queued >= 0')
@Index('lanes_ready', { synchronize: false })
@Index('lanes_oldest', { synchronize: false })
@Index('lanes_held', { synchronize: false })
export class LaneRow {
  @PrimaryColumn('int4', { primaryKeyConstraintName: 'lanes_pk' }) user_id: number;
  @PrimaryColumn('int4', { primaryKeyConstraintName: 'lanes_pk' }) team_id: number;
  @PrimaryColumn('int4', { primaryKeyConstraintName: 'lanes_pk' }) org_id: number;
  @PrimaryColumn('int2', { primaryKeyConstraintName: 'lanes_pk' }) band: number;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'lanes_pk' }) pool: string;
  @Column('text') level: string;
  @Column('int4') queued: number;
  @Column('int8') head_ord: number;
  @Column('timestamptz') head_queued_at: Date;
  @Column('float8') used: number;
  @Column('bool', { default: false }) is_full: boolean;
  @Column('timestamptz', { nullable: true }) held_until: Date | null;
  /** Which cost limit holds them, where it is one. */
  @Column('text', { nullable: true }) held_by: string | null;
}

/** What auth says may be used; a quota that was taken away keeps its row without a limit, so that old news of it is known as old. */
@Entity('quotas')
export class QuotaRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'quotas_pk' }) scope: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'quotas_pk' }) subject: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'quotas_pk' }) quota_type: string;
  @Column('numeric', { nullable: true }) limit_value: number | null;
  @Column('text', { nullable: true }) action: string | null;
  @Column('int8') version: number;
}

/** What people were told of a quota in a period: once is enough. */
@Entity('quotas_told')
export class QuotaToldRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'quotas_told_pk' }) scope: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'quotas_told_pk' }) subject: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'quotas_told_pk' }) quota_type: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'quotas_told_pk' }) what: string;
  @PrimaryColumn('timestamptz', { primaryKeyConstraintName: 'quotas_told_pk' }) period: Date;
}

/** What a user, a team or an organisation used in an hour: submits, and the money and GPU time of claims. What waits has the hour `infinity`. */
@Entity('usage')
export class UsageRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'usage_pk' }) scope: string;
  @PrimaryColumn('int4', { primaryKeyConstraintName: 'usage_pk' }) subject: number;
  @PrimaryColumn('timestamptz', { primaryKeyConstraintName: 'usage_pk' }) hour: Date;
  @Column('int4') submitted: number;
  @Column('numeric') usd: number;
  @Column('numeric') gpu_seconds: number;
}

/** What an administrator set for a provider, over what the configuration file says. */
@Entity('provider_config')
export class ProviderConfigRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'provider_config_pk' }) provider: string;
  @Column('json') hardware: object;
  @Column('timestamptz') updated_at: Date;
  @Column('bool', { default: false }) cost_limit_enabled: boolean;
  @Column('numeric', { nullable: true }) cost_limit_amount: number | null;
  @Column('text', { default: 'monthly' }) cost_limit_period: string;
  @Column('text', { default: 'warn' }) cost_limit_action: string;
}

/** What a provider costs by the day of the claim. What waits has the day `infinity`. */
@Entity('provider_spend')
export class ProviderSpendRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'provider_spend_pk' }) provider: string;
  @PrimaryColumn('timestamptz', { primaryKeyConstraintName: 'provider_spend_pk' }) day: Date;
  @Column('numeric') usd: number;
}

/** What people were told of a provider's cost limit in a period: once is enough. */
@Entity('costs_told')
export class CostToldRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'costs_told_pk' }) provider: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'costs_told_pk' }) what: string;
  @PrimaryColumn('timestamptz', { primaryKeyConstraintName: 'costs_told_pk' }) period: Date;
}

/**
 * Money: reserved when an attempt is claimed, settled when it ends. Of jobs that are removed the sums stay, in a row
 * `past/<user>/<provider>` for each person and provider.
 */
@Entity('ledger')
export class LedgerRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'ledger_pk' }) job_id: string;
  @PrimaryColumn('int4', { primaryKeyConstraintName: 'ledger_pk' }) attempt: number;
  @Column('int4') user_id: number;
  @Column('text') provider: string;
  @Column('numeric') reserved_usd: number;
  @Column('numeric', { nullable: true }) settled_usd: number | null;
  @Column('timestamptz') reserved_at: Date;
  @Column('timestamptz', { nullable: true }) settled_at: Date | null;
}

/** What somebody was told of when a job starts, the first time that anybody asked: compared later with when it did. */
@Entity('eta_samples')
@Index('eta_samples_given_at', ['given_at'])
export class EtaSampleRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'eta_samples_pk' }) job_id: string;
  @Column('timestamptz') given_at: Date;
  @Column('timestamptz') p50: Date;
  @Column('timestamptz') p90: Date;
}

export const entities = [
  JobRow,
  DependencyRow,
  IdempotencyKeyRow,
  SubmissionsRow,
  LimitsRow,
  SlotsRow,
  PoolRow,
  PoolLimitRow,
  MaintenanceRow,
  ShareRow,
  BranchRow,
  LaneRow,
  QuotaRow,
  QuotaToldRow,
  UsageRow,
  ProviderConfigRow,
  ProviderSpendRow,
  CostToldRow,
  LedgerRow,
  EtaSampleRow,
] as const;
