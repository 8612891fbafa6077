import type { Queryable, Tx } from '@lineclear/kit';

/** Who somebody of a provider is here. */
export async function userOf(
  on: Queryable,
  providerId: string,
  subject: string,
): Promise<number | undefined> {
  const [row] = await on.query<{ user_id: number }>(
    'select user_id from external_identities where provider_id = $1 and subject = $2',
    [providerId, subject],
  );
  return row?.user_id;
}

/** Whether any provider vouches for this person already. */
export async function hasAny(on: Queryable, userId: number): Promise<boolean> {
  const rows = await on.query('select 1 from external_identities where user_id = $1 limit 1', [userId]);
  return rows.length > 0;
}

export async function insert(
  tx: Tx,
  identity: { readonly providerId: string; readonly subject: string; readonly userId: number },
  now: Date,
): Promise<void> {
  await tx.query(
    'insert into external_identities (provider_id, subject, user_id, created_at, last_login_at) values ($1, $2, $3, $4, $4)',
    [identity.providerId, identity.subject, identity.userId, now],
  );
}

export async function used(tx: Tx, providerId: string, subject: string, now: Date): Promise<void> {
  await tx.query(
    'update external_identities set last_login_at = $3 where provider_id = $1 and subject = $2',
    [providerId, subject, now],
  );
}

export async function forgetProvider(tx: Tx, providerId: string): Promise<void> {
  await tx.query('delete from external_identities where provider_id = $1', [providerId]);
}
