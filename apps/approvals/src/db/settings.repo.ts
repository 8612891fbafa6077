import type { Queryable, Tx } from '@lineclear/kit';
import type { ApprovalSettings } from '../domain/approval-settings.js';
import type { ApprovalSettingsRow } from './approval-settings.entity.js';

export async function settingsNow(db: Queryable): Promise<ApprovalSettings> {
  return settingsOf(await db.query<ApprovalSettingsRow>('select * from approval_settings'));
}

/** Nobody else changes them until the transaction ends. */
export async function lockSettings(tx: Tx): Promise<ApprovalSettings> {
  return settingsOf(await tx.query<ApprovalSettingsRow>('select * from approval_settings for update'));
}

export async function setSettings(
  tx: Tx,
  { escalation, fallback_user_ids, link_login_above_usd }: ApprovalSettings,
): Promise<void> {
  await tx.query(
    'update approval_settings set escalation = $1, fallback_user_ids = $2, link_login_above_usd = $3',
    [JSON.stringify(escalation), fallback_user_ids, link_login_above_usd],
  );
}

function settingsOf([row]: ApprovalSettingsRow[]): ApprovalSettings {
  if (!row) throw new Error('the table approval_settings has lost its row');
  const { escalation, fallback_user_ids, link_login_above_usd } = row;
  return { escalation, fallback_user_ids, link_login_above_usd };
}
