import { Secret, TOTP } from 'otpauth';

// What every authenticator app takes, and many of them alone.
const FORM = { algorithm: 'SHA1', digits: 6, period: 30 } as const;
/** Steps before and after the present one that are taken: clocks differ, and people type slowly. */
const WINDOW = 1;
const ISSUER = 'Lineclear';

/**
 * The step (of 30 s, since 1970) whose code this is, one before or after `now` at most; undefined when it is of none. Which
 * steps were used already is for the caller to know.
 */
export function stepOfCode(secretBase32: string, code: string, now: Date): number | undefined {
  const timestamp = now.getTime();
  const delta = TOTP.validate({
    ...FORM,
    token: code,
    secret: Secret.fromBase32(secretBase32),
    timestamp,
    window: WINDOW,
  });
  return delta === null ? undefined : TOTP.counter({ period: FORM.period, timestamp }) + delta;
}

/** 20 bytes in the form in which people type them into their app. */
export const totpSecretOf = (bytes: Uint8Array): string =>
  new Secret({ buffer: Uint8Array.from(bytes).buffer }).base32;

/** What an app reads from a picture of it. */
export const otpauthUri = (secretBase32: string, username: string): string =>
  new TOTP({ ...FORM, issuer: ISSUER, label: username, secret: secretBase32 }).toString();
