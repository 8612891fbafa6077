import { Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm';

/** What an attempt of a job was given, so that it is given the same again: which secret, whose, and which version. Never its value. */
@Entity('grants')
@Unique('grants_of_attempt', ['job_id', 'attempt', 'purpose', 'name'])
@Index('grants_open', ['scope', 'name'], { where: 'ended_at is null' })
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

  @Column('timestamptz')
  granted_at: Date;

  @Column('timestamptz', { nullable: true })
  ended_at: Date | null;
}
