import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import type { CapPeriod } from '../domain/standing-approval.js';

/** Somebody's yes to jobs that are still to come; of what it covers, null is anything. */
@Entity('standing_approval')
@Index('standing_approval_ends', ['ends_at'], { where: 'revoked_at is null' })
export class StandingApprovalRow {
  @PrimaryGeneratedColumn('identity', {
    type: 'int',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'standing_approval_pk',
  })
  id: number;

  @Column('int', { nullable: true })
  user_id: number | null;

  @Column('int', { nullable: true })
  team_id: number | null;

  @Column('int', { nullable: true })
  org_id: number | null;

  @Column('text', { nullable: true })
  provider: string | null;

  @Column('text', { nullable: true })
  config_pattern: string | null;

  @Column('text', { nullable: true })
  hardware_pattern: string | null;

  @Column('numeric', { precision: 14, scale: 4, nullable: true })
  max_job_usd: number | null;

  @Column('numeric', { precision: 14, scale: 4 })
  cap_usd: number;

  @Column('text')
  per: CapPeriod;

  @Column('numeric', { precision: 14, scale: 4, default: 0 })
  spent_usd: number;

  /** As 2026-11. */
  @Column('text', { nullable: true })
  spent_month: string | null;

  @Column('timestamptz')
  starts_at: Date;

  @Column('timestamptz')
  ends_at: Date;

  @Column('timestamptz', { nullable: true })
  revoked_at: Date | null;

  @Column('text')
  reason: string;

  @Column('int')
  granted_by_id: number;

  @Column('text')
  granted_by: string;

  /** Whose jobs whoever granted it may decide; null: of no organisation, or of all. */
  @Column('int', { nullable: true })
  tenant_id: number | null;

  @Column('timestamptz')
  created_at: Date;
}
