import { Column, Entity, PrimaryColumn } from 'typeorm';

/** How much an account's calls have taken out of its bucket. Not logged: after a crash of Postgres all buckets are full. */
@Entity('account_rates')
export class AccountRateRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'account_rates_pk' })
  account: string;

  /** When the bucket is full again, in milliseconds. A number that is written back just as it was read: it is its own version. */
  @Column('double precision')
  full_at_ms: number;
}
