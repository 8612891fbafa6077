import { Column, Entity, PrimaryColumn } from 'typeorm';

/** How it goes with what is behind a channel. It outlives the channel for as long as there are deliveries to end. */
@Entity('endpoint')
export class EndpointRow {
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'endpoint_pk' })
  channel_id: number;

  /** Null while the last attempt succeeded, or there was none. */
  @Column('timestamptz', { nullable: true })
  failing_since: Date | null;

  @Column('timestamptz', { nullable: true })
  last_failed_at: Date | null;

  @Column('integer', { default: 0 })
  failures_in_row: number;

  /** Until when the breaker lets nothing through, once there were enough of them. */
  @Column('timestamptz', { nullable: true })
  open_until: Date | null;

  /** What might have been sent at once at `counted_at`. */
  @Column('double precision', { default: 0 })
  tokens: number;

  @Column('timestamptz', { default: () => "'1970-01-01 00:00:00+00'" })
  counted_at: Date;
}
