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
}
