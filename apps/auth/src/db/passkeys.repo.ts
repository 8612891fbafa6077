import { Conflict, type Queryable, type Tx } from '@lineclear/kit';

export interface PasskeyRow {
  readonly id: number;
  readonly user_id: number;
  readonly name: string;
  readonly credential_id: string;
  readonly public_key: Buffer;
  readonly transports: string[];
  readonly created_at: Date;
  readonly last_used_at: Date | null;
}

const PASSKEY =
  'select id, user_id, name, credential_id, public_key, transports, created_at, last_used_at from passkeys';

export async function allOf(on: Queryable, userId: number): Promise<PasskeyRow[]> {
  return on.query<PasskeyRow>(`${PASSKEY} where user_id = $1 order by id`, [userId]);
}

export async function byCredential(on: Queryable, credentialId: string): Promise<PasskeyRow | undefined> {
  const [row] = await on.query<PasskeyRow>(`${PASSKEY} where credential_id = $1`, [credentialId]);
  return row;
}

export interface NewPasskey {
  readonly userId: number;
  readonly name: string;
  readonly credentialId: string;
  readonly publicKey: Uint8Array;
  readonly counter: number;
  readonly transports: readonly string[];
}

/** @throws Conflict for one that somebody has already */
export async function insert(tx: Tx, passkey: NewPasskey, now: Date): Promise<PasskeyRow> {
  const [row] = await tx.query<PasskeyRow>(
    `insert into passkeys (user_id, name, credential_id, public_key, counter, transports, created_at)
     values ($1, $2, $3, $4, $5, $6, $7) on conflict (credential_id) do nothing
     returning id, user_id, name, credential_id, public_key, transports, created_at, last_used_at`,
    [
      passkey.userId,
      passkey.name,
      passkey.credentialId,
      Buffer.from(passkey.publicKey),
      passkey.counter,
      passkey.transports,
      now,
    ],
  );
  if (!row) throw new Conflict('this passkey is here already');
  return row;
}

/** Notes what a passkey says of how often it signed; false when it says no more than it said before. */
export async function used(on: Queryable, id: number, counter: number, now: Date): Promise<boolean> {
  const rows = await on.query(
    `update passkeys set counter = $2, last_used_at = $3
     where id = $1 and (counter < $2 or (counter = 0 and $2 = 0)) returning id`,
    [id, counter, now],
  );
  return rows.length > 0;
}

export async function rename(
  tx: Tx,
  userId: number,
  id: number,
  name: string,
): Promise<PasskeyRow | undefined> {
  const [row] = await tx.query<PasskeyRow>(
    `update passkeys set name = $3 where user_id = $1 and id = $2
     returning id, user_id, name, credential_id, public_key, transports, created_at, last_used_at`,
    [userId, id, name],
  );
  return row;
}

export async function remove(tx: Tx, userId: number, id: number): Promise<boolean> {
  const rows = await tx.query('delete from passkeys where user_id = $1 and id = $2 returning id', [
    userId,
    id,
  ]);
  return rows.length > 0;
}

/** Keeps what a passkey is asked to sign: to add one to this person, or (null) to show one. */
export async function challenge(
  on: Queryable,
  of: { readonly sha256: string; readonly userId: number | null; readonly expiresAt: Date },
): Promise<void> {
  await on.query(
    'insert into passkey_challenges (challenge_sha256, user_id, expires_at) values ($1, $2, $3)',
    [of.sha256, of.userId, of.expiresAt],
  );
}

/** Takes a challenge: of all who answer it, on any replica, one is listened to. */
export async function takeChallenge(
  on: Queryable,
  of: { readonly sha256: string; readonly userId: number | null },
  now: Date,
): Promise<boolean> {
  const rows = await on.query(
    `delete from passkey_challenges where challenge_sha256 = $1 and user_id is not distinct from $2::integer
       and expires_at > $3 returning user_id`,
    [of.sha256, of.userId, now],
  );
  return rows.length > 0;
}

export async function purgeExpired(on: Queryable, now: Date): Promise<void> {
  // As with sessions: many rows in no order, so it waits for none.
  await on.query(
    `delete from passkey_challenges where challenge_sha256 in
       (select challenge_sha256 from passkey_challenges where expires_at <= $1 for update skip locked)`,
    [now],
  );
}
