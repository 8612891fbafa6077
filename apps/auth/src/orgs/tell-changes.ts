import { audited } from '@lineclear/access';
import { event, type Bus } from '@lineclear/bus';
import { principalChanged, quotaChanged, type QuotaKey, type QuotaType } from '@lineclear/contracts';
import type { Tx } from '@lineclear/kit';
import * as quotas from '../db/quotas.repo.js';

/** Every cached principal of these people, which carries their organisation and teams, is stale. */
export const tellOfPeople = (bus: Bus, tx: Tx, userIds: readonly number[]): Promise<void> =>
  bus.publish(tx, ...userIds.map((id) => event(principalChanged, { user_id: id }, { about: `user/${id}` })));

export async function tellOfQuota(bus: Bus, tx: Tx, quota: quotas.QuotaRow): Promise<void> {
  await tell(bus, tx, quota, { limit: quota.limit, action: quota.action });
}

/** Takes away what is set for a subject, one type or all, and tells of each. How many these were. */
export async function removeQuotas(
  bus: Bus,
  tx: Tx,
  which: Omit<QuotaKey, 'quota_type'> & { readonly quota_type?: QuotaType },
): Promise<number> {
  const removed = await quotas.removeOf(tx, which);
  for (const quota of removed) await tell(bus, tx, quota, {});
  return removed.length;
}

async function tell(
  bus: Bus,
  tx: Tx,
  { scope, subject, quota_type }: QuotaKey,
  set: Partial<Pick<quotas.QuotaRow, 'limit' | 'action'>>,
): Promise<void> {
  const about = `quota/${scope}/${subject}/${quota_type}`;
  const version = await quotas.nextChange(tx);
  const { limit, action } = set;
  const details = { scope, subject, quota_type, ...(limit === undefined ? {} : { limit, action }) };
  await bus.publish(
    tx,
    event(quotaChanged, { scope, subject, quota_type, ...set }, { about, version }),
    audited(limit === undefined ? 'quota.removed' : 'quota.set', { target: about, details }),
  );
}
