import { createHmac, randomBytes } from 'node:crypto';

const TOKEN_BYTES = 32;
const SHOWN_CHARACTERS = 11;

export const newToken = (): string => randomBytes(TOKEN_BYTES).toString('base64url');

export function newApiKey(): { readonly key: string; readonly prefix: string } {
  const key = `lc_${newToken()}`;
  return { key, prefix: key.slice(0, SHOWN_CHARACTERS) };
}

/** Follows from the session's token, so that a page that was loaded again can be told it again; it tells nothing of the token. */
export const csrfTokenOf = (sessionToken: string): string =>
  createHmac('sha256', sessionToken).update('lineclear csrf').digest('base64url');
