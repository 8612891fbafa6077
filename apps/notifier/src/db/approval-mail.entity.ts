import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { DeliveryRow } from './delivery.entity.js';

/** An approval mail that is to come back when it reaches nobody: which delivery it was an attempt at. */
@Entity('approval_mail')
@Index('approval_mail_delivery', ['delivery_id'])
export class ApprovalMailRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'approval_mail_pk' })
  token_sha256: string;

  @Column('uuid')
  @ForeignKey(() => DeliveryRow, { name: 'approval_mail_delivery_fk', onDelete: 'CASCADE' })
  delivery_id: string;

  /** Why nobody reads it, once that is known. */
  @Column('text', { nullable: true })
  unreached: 'bounced' | 'away' | null;
}
