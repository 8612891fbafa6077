import { Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm';

/** What an attempt of a job was given, so that it is given the same again: which secret, whose, and which version. Never its value. */
@Entity('grants')
@Unique('grants_of_attempt', ['job_id', 'attempt', 'purpose', 'name'])
@Index('grants_open', ['scope', 'name'], { where: 'ended_at is null' })
@Index('grants_ended', ['ended_at'], { where: 'ended_at is not null' })
export class GrantRow {
  @PrimaryColumn('bigint', {
    primaryKeyConstraintName: 'grants_pk',
    generated: 'identity',
    generatedIdentity: 'ALWAYS',
  })
  id: string;

  @Column('text')
  job_id: string;

  @Column('integer')
  attempt: number;

  /** `run`: for the job itself; `provider`: the credential of its provider. */
  @Column('text')
  purpose: string;

  @Column('text')
  name: string;

  @Column('text')
  source: string;

  @Column('text')
  scope: string;

  /** Null where the source counts none. */
  @Column('integer', { nullable: true })
  version: number | null;

  /** Whose job it is. */
  @Column('integer')
  user_id: number;

  @Column('integer', { nullable: true })
  org_id: number | null;

  @Column('timestamptz')
  granted_at: Date;

  @Column('timestamptz', { nullable: true })
  ended_at: Date | null;
}

/** A job's claim of its slot, of jobs that name secrets: while it stands, they are given out for it, and to nobody else. */
@Entity('claims')
@Index('claims_ended', ['ended_at'], { where: 'ended_at is not null' })
export class ClaimRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'claims_pk' })
  job_id: string;

  @PrimaryColumn('integer', { primaryKeyConstraintName: 'claims_pk' })
  attempt: number;

  /** Null where the end of the job was heard of first. */
  @Column('uuid', { nullable: true })
  claim_id: string | null;

  @Column('integer')
  user_id: number;

  @Column('integer', { nullable: true })
  team_id: number | null;

  @Column('integer', { nullable: true })
  org_id: number | null;

  @Column('text')
  provider: string;

  @Column('text', { array: true })
  names: string[];

  /** Which of them somebody said yes to: by name and scope. */
  @Column('json', { default: [] })
  approved: { name: string; scope: string }[];

  @Column('timestamptz')
  claimed_at: Date;

  @Column('timestamptz', { nullable: true })
  ended_at: Date | null;
}
