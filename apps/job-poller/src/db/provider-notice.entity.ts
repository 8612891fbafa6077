import { Column, Entity, PrimaryColumn } from 'typeorm';

/** When people were last told that a provider fails: once a minute is enough, whichever replica sees it. */
@Entity('provider_notices')
export class ProviderNoticeRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'provider_notices_pk' })
  provider: string;

  @Column('timestamptz')
  told_at: Date;
}
