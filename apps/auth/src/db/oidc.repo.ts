import type { Queryable, Tx } from '@lineclear/kit';

export interface BegunLogin {
  readonly state_sha256: string;
  readonly provider_id: string;
  readonly browser_sha256: string;
  readonly nonce: string;
  readonly sealed_verifier: Buffer;
  readonly redirect_uri: string;
  readonly return_to: string | null;
  readonly expires_at: Date;
}

export async function begin(on: Queryable, login: BegunLogin): Promise<void> {
  await on.query(
    `insert into oidc_states (state_sha256, provider_id, browser_sha256, nonce, sealed_verifier, redirect_uri, return_to, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      login.state_sha256,
      login.provider_id,
      login.browser_sha256,
      login.nonce,
      login.sealed_verifier,
      login.redirect_uri,
      login.return_to,
      login.expires_at,
    ],
  );
}

/** Takes a begun login, for the browser it was begun in: of all who ask, on any replica, one gets it. */
export async function take(
  on: Queryable,
  of: { readonly stateSha256: string; readonly browserSha256: string },
  now: Date,
): Promise<BegunLogin | undefined> {
  const [row] = await on.query<BegunLogin>(
    'delete from oidc_states where state_sha256 = $1 and browser_sha256 = $2 and expires_at > $3 returning *',
    [of.stateSha256, of.browserSha256, now],
  );
  return row;
}

/** Notes a logout that a provider told of; false when it did so before. */
export async function noteLogout(
  tx: Tx,
  logout: { readonly providerId: string; readonly jti: string; readonly expiresAt: Date },
): Promise<boolean> {
  const rows = await tx.query(
    'insert into oidc_logouts (provider_id, jti, expires_at) values ($1, $2, $3) on conflict do nothing returning jti',
    [logout.providerId, logout.jti, logout.expiresAt],
  );
  return rows.length > 0;
}

/** What was begun with a provider, or told by it, is not for the one that takes its place. */
export async function forgetProvider(tx: Tx, providerId: string): Promise<void> {
  await tx.query('delete from oidc_states where provider_id = $1', [providerId]);
  await tx.query('delete from oidc_logouts where provider_id = $1', [providerId]);
}

export async function purgeExpired(on: Queryable, now: Date): Promise<void> {
  // As with sessions: many rows in no order, so it waits for none.
  await on.query(
    'delete from oidc_states where state_sha256 in (select state_sha256 from oidc_states where expires_at <= $1 for update skip locked)',
    [now],
  );
  await on.query(
    `delete from oidc_logouts where (provider_id, jti) in
       (select provider_id, jti from oidc_logouts where expires_at <= $1 for update skip locked)`,
    [now],
  );
}
