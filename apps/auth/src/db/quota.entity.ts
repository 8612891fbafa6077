import type { QuotaAction, QuotaScope, QuotaType } from '@lineclear/contracts';
import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';

/** How much somebody may use. */
@Entity('quotas')
@Index('quotas_key', ['scope', 'subject', 'quota_type'], { unique: true })
export class Quota {
  @PrimaryGeneratedColumn('identity', {
    type: 'integer',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'quotas_pk',
  })
  id: number;

  @Column('text')
  scope: QuotaScope;

  /** Whom the quota is about: an id, the name of a level, or `*` for everyone. */
  @Column('text')
  subject: string;

  @Column('text')
  quota_type: QuotaType;

  @Column('numeric')
  limit: number;

  @Column('text')
  action: QuotaAction;

  @Column('timestamptz')
  created_at: Date;

  @Column('timestamptz')
  updated_at: Date;
}
