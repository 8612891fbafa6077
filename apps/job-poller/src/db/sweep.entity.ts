import { Column, Entity, PrimaryColumn } from 'typeorm';

/** An account of a provider that lists: when it is listed next, and by whom just now. */
@Entity('sweeps')
export class SweepRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'sweeps_pk' })
  account: string;

  @Column('text')
  provider: string;

  /** `infinity` while none of its runs goes on, and while it is being swept unless a new run wants it sooner. */
  @Column('timestamptz')
  next_at: Date;

  /** Sweeps in a row that failed. */
  @Column('integer', { default: 0 })
  failures: number;

  @Column('uuid', { nullable: true })
  lease_owner: string | null;

  @Column('timestamptz', { nullable: true })
  lease_until: Date | null;
}
