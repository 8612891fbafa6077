/** What a token server gives (RFC 6749, section 5.1). */
export interface TokenGrant {
  readonly accessToken: string;
  readonly expiresInSeconds: number | undefined;
  /** In place of the one that was shown. */
  readonly refreshToken: string | undefined;
}

const MAX_SAID = 200;
const MAX_TOKEN = 16_384;
const isToken = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= MAX_TOKEN && /^[\x21-\x7e]+$/.test(value);

/** What a token server answered, or what is wrong about it: in its words where it has some, and never with one of the `secrets`. */
export function readTokenAnswer(
  statusCode: number,
  text: string,
  secrets: readonly string[] = [],
): TokenGrant | string {
  const body = objectIn(text);
  if (statusCode !== 200) return `the token server answered ${statusCode}${said(body, secrets)}`;
  if (!body) return 'the token server answered no JSON object, or more than is read';
  const { access_token: accessToken, expires_in: expiresIn, refresh_token: refreshToken } = body;
  if (!isToken(accessToken)) return `the token server gave no access_token${said(body, secrets)}`;
  // Some write the number as text.
  const seconds = expiresIn === undefined || expiresIn === null ? Number.NaN : Number(expiresIn);
  return {
    accessToken,
    expiresInSeconds: Number.isFinite(seconds) ? seconds : undefined,
    refreshToken: isToken(refreshToken) ? refreshToken : undefined,
  };
}

/** Unless the answer says for how long. */
const USUAL_SECONDS = 300;
const MAX_SECONDS = 86_400;
const MARGIN_SECONDS = 60;

/** How long a token is used: not to its very end, so that it does not end on the way. */
export function usableMs({ expiresInSeconds = USUAL_SECONDS }: TokenGrant): number {
  const seconds = Math.min(Math.max(expiresInSeconds, 0), MAX_SECONDS);
  return 1_000 * (seconds - Math.min(MARGIN_SECONDS, seconds / 10));
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function said(body: Readonly<Record<string, unknown>> | undefined, secrets: readonly string[]): string {
  const words = [body?.['error'], body?.['error_description']].filter((one) => typeof one === 'string');
  if (words.length === 0) return '';
  // Hidden before it is cut: a half of a secret would not be found.
  const clean = secrets.reduce((text, secret) => text.replaceAll(secret, '[hidden]'), words.join(': '));
  return `: ${clean.replaceAll(/\p{Cc}/gu, ' ').slice(0, MAX_SAID)}`;
}
