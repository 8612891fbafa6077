import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';

/** One name that was asked for: by whom, for what, and where it was found. Never the value. */
@Entity('access_log')
@Index('access_log_at', ['at'])
@Index('access_log_name', ['name', 'id'])
@Index('access_log_job', ['job_id'], { where: 'job_id is not null' })
export class AccessLogRow {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'access_log_pk',
  })
  id: number;

  @Column('timestamptz')
  at: Date;

  @Column('text')
  name: string;

  /** The service that asked. */
  @Column('text')
  asked_by: string;

  @Column('text')
  purpose: string;

  @Column('text', { nullable: true })
  job_id: string | null;

  @Column('integer', { nullable: true })
  attempt: number | null;

  /** The user whose job it is. */
  @Column('integer', { nullable: true })
  user_id: number | null;

  @Column('text', { nullable: true })
  provider: string | null;

  @Column('integer', { nullable: true })
  channel_id: number | null;

  /** `released`, `missing`, `withheld` because another name of the same question was missing, or `refused` for want of a claim that stands for it. */
  @Column('text')
  outcome: string;

  @Column('text', { nullable: true })
  source: string | null;

  @Column('text', { nullable: true })
  scope: string | null;

  @Column('integer', { nullable: true })
  version: number | null;
}
