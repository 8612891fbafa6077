import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';

export const SESSION_COOKIE = 'lineclear_session';

export interface Token {
  readonly kind: 'session' | 'api_key';
  readonly sha256: string;
}

/** SHA-256, hex: how tokens are stored and looked up. They are random, so that a slow hash would add nothing. */
export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex');

const MAX_TOKEN_LENGTH = 512;
const IN_COOKIES = new RegExp(`(?:^|;\\s*)${SESSION_COOKIE}=([^;\\s]{1,${MAX_TOKEN_LENGTH}})`);

/** The session's token as the browser sent it. */
export const sessionTokenOf = (headers: FastifyRequest['headers']): string | undefined =>
  IN_COOKIES.exec(headers.cookie ?? '')?.[1];

/** The caller's credential: `Authorization: Bearer`, `X-API-Key`, or the session cookie, in this order. */
export function tokenOf(headers: FastifyRequest['headers']): Token | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  const header = headers['x-api-key'];
  const key = bearer ?? (typeof header === 'string' ? header.trim() : undefined);
  if (key && key.length <= MAX_TOKEN_LENGTH) return { kind: 'api_key', sha256: hashToken(key) };
  const session = sessionTokenOf(headers);
  return session ? { kind: 'session', sha256: hashToken(session) } : undefined;
}
