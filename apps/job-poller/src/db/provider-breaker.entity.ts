import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A provider that is away, or was: nobody calls it but for a probe now and then. */
@Entity('provider_breakers')
export class ProviderBreakerRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'provider_breakers_pk' })
  provider: string;

  /** Since when it has been away; null while it is not. */
  @Column('timestamptz', { nullable: true })
  since: Date | null;

  /** Probes that had no answer. */
  @Column('integer', { default: 0 })
  probes: number;

  @Column('timestamptz')
  probe_at: Date;

  /** When it was last back. */
  @Column('timestamptz', { nullable: true })
  restored_at: Date | null;
}
