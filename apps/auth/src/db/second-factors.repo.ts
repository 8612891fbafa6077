import type { Queryable, Tx } from '@lineclear/kit';
import type { Factors } from '../domain/second-factor.js';

/** What a person can show beside their password. */
export async function of(on: Queryable, userId: number): Promise<Factors> {
  const [row] = await on.query<{ has_totp: boolean; passkeys: number; recovery_codes: number }>(
    `select exists (select 1 from totp_factors where user_id = $1 and confirmed_at is not null) as has_totp,
       (select count(*) from passkeys where user_id = $1) as passkeys,
       (select count(*) from recovery_codes where user_id = $1) as recovery_codes`,
    [userId],
  );
  return {
    hasTotp: row?.has_totp ?? false,
    passkeys: row?.passkeys ?? 0,
    recoveryCodes: row?.recovery_codes ?? 0,
  };
}

/** A person's factors change one after another: codes come with the first and go with the last. */
export async function lock(tx: Tx, userId: number): Promise<void> {
  await tx.query('select from users where id = $1 for no key update', [userId]);
}

export async function removeAll(tx: Tx, userId: number): Promise<void> {
  await tx.query('delete from totp_factors where user_id = $1', [userId]);
  await tx.query('delete from passkeys where user_id = $1', [userId]);
  await removeRecoveryCodes(tx, userId);
}

export interface TotpRow {
  readonly sealed_secret: Buffer;
  readonly confirmed_at: Date | null;
}

/** The app that a person has or, until `expires_at`, is setting up. */
export async function totpOf(on: Queryable, userId: number, now: Date): Promise<TotpRow | undefined> {
  const [row] = await on.query<TotpRow>(
    'select sealed_secret, confirmed_at from totp_factors where user_id = $1 and (expires_at is null or expires_at > $2)',
    [userId, now],
  );
  return row;
}

/** Begins with a new app, in the place of one that was begun with; false when there is one that works. */
export async function beginTotp(
  tx: Tx,
  userId: number,
  sealedSecret: Buffer,
  expiresAt: Date,
): Promise<boolean> {
  const rows = await tx.query(
    `insert into totp_factors (user_id, sealed_secret, expires_at) values ($1, $2, $3)
     on conflict (user_id) do update set sealed_secret = excluded.sealed_secret, expires_at = excluded.expires_at
       where totp_factors.confirmed_at is null returning user_id`,
    [userId, sealedSecret, expiresAt],
  );
  return rows.length > 0;
}

/** Makes the app that was begun with one that counts; false when meanwhile another was begun with. */
export async function confirmTotp(
  tx: Tx,
  userId: number,
  of: { readonly sealedSecret: Buffer; readonly step: number },
  now: Date,
): Promise<boolean> {
  const rows = await tx.query(
    `update totp_factors set confirmed_at = $4, expires_at = null, last_step = $3
     where user_id = $1 and sealed_secret = $2 and confirmed_at is null returning user_id`,
    [userId, of.sealedSecret, of.step, now],
  );
  return rows.length > 0;
}

/** Takes the code of a step, once: of all who show it, on any replica, one is let by. */
export async function useStep(on: Queryable, userId: number, step: number): Promise<boolean> {
  const rows = await on.query(
    `update totp_factors set last_step = $2 where user_id = $1 and confirmed_at is not null and last_step < $2
     returning user_id`,
    [userId, step],
  );
  return rows.length > 0;
}

export async function removeTotp(tx: Tx, userId: number): Promise<boolean> {
  const rows = await tx.query(
    'delete from totp_factors where user_id = $1 and confirmed_at is not null returning user_id',
    [userId],
  );
  return rows.length > 0;
}

export async function insertRecoveryCodes(tx: Tx, userId: number, sha256s: readonly string[]): Promise<void> {
  await tx.query(
    'insert into recovery_codes (user_id, code_sha256) select $1, code from unnest($2::text[]) as code',
    [userId, sha256s],
  );
}

/** Takes a code, once. */
export async function useRecoveryCode(on: Queryable, userId: number, sha256: string): Promise<boolean> {
  const rows = await on.query(
    'delete from recovery_codes where user_id = $1 and code_sha256 = $2 returning user_id',
    [userId, sha256],
  );
  return rows.length > 0;
}

export async function removeRecoveryCodes(tx: Tx, userId: number): Promise<void> {
  await tx.query('delete from recovery_codes where user_id = $1', [userId]);
}

export async function purgeExpired(on: Queryable, now: Date): Promise<void> {
  // As with sessions: many rows in no order, so it waits for none.
  await on.query(
    'delete from totp_factors where user_id in (select user_id from totp_factors where expires_at <= $1 for update skip locked)',
    [now],
  );
}
