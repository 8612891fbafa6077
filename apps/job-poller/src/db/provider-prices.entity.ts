import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What a provider's own price list last said, and when it is read next. */
@Entity('provider_prices')
export class ProviderPricesRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'provider_prices_pk' })
  provider: string;

  /** By the name of hardware; null until it was read once. */
  @Column('json', { nullable: true })
  hardware: object | null;

  @Column('timestamptz', { nullable: true })
  read_at: Date | null;

  @Column('timestamptz')
  next_at: Date;
}
