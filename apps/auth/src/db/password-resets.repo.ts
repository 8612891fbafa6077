import type { Queryable, Tx } from '@lineclear/kit';

export async function insert(
  tx: Tx,
  reset: { readonly id: string; readonly userId: number | null; readonly expiresAt: Date },
): Promise<void> {
  await tx.query('insert into password_resets (id, user_id, links, expires_at) values ($1, $2, 0, $3)', [
    reset.id,
    reset.userId,
    reset.expiresAt,
  ]);
}

/** Puts a new token in the place of the one before; false when the reset is over, or had so many already. */
export async function renewToken(
  on: Queryable,
  reset: { readonly id: string; readonly tokenSha256: string; readonly maxLinks: number },
  now: Date,
): Promise<boolean> {
  const rows = await on.query(
    `update password_resets set token_sha256 = $2, links = links + 1
     where id = $1 and user_id is not null and links < $3 and expires_at > $4 returning id`,
    [reset.id, reset.tokenSha256, reset.maxLinks, now],
  );
  return rows.length > 0;
}

/** Whose password a token resets; the token stays as good as it is. */
export async function userOf(on: Queryable, tokenSha256: string, now: Date): Promise<number | undefined> {
  const [row] = await on.query<{ user_id: number }>(
    'select user_id from password_resets where token_sha256 = $1 and expires_at > $2',
    [tokenSha256, now],
  );
  return row?.user_id;
}

/** Takes the reset of a token: of all who bring it, on any replica, one gets true. */
export async function take(tx: Tx, tokenSha256: string, now: Date): Promise<boolean> {
  const rows = await tx.query(
    'delete from password_resets where token_sha256 = $1 and expires_at > $2 returning id',
    [tokenSha256, now],
  );
  return rows.length > 0;
}

/** To be called where the person's row is held: two who void the same resets would wait for each other. */
export async function voidAllOf(tx: Tx, userId: number): Promise<void> {
  await tx.query('delete from password_resets where user_id = $1', [userId]);
}

export async function purgeExpired(on: Queryable, now: Date): Promise<void> {
  // As with sessions: many rows in no order, so it waits for none.
  await on.query(
    'delete from password_resets where id in (select id from password_resets where expires_at <= $1 for update skip locked)',
    [now],
  );
}
