import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ApprovalSettings } from '../domain/approval-settings.js';

/** One row: whom requests go on to that nobody decides. */
@Entity('approval_settings')
export class ApprovalSettingsRow {
  @PrimaryColumn('boolean', { primaryKeyConstraintName: 'approval_settings_pk' })
  only: boolean;

  @Column('jsonb', { default: [] })
  escalation: ApprovalSettings['escalation'];

  @Column('int', { array: true, default: [] })
  fallback_user_ids: number[];

  @Column('numeric', { precision: 14, scale: 4, nullable: true, default: 100 })
  link_login_above_usd: number | null;
}
