import { SESSION_COOKIE } from '@lineclear/access';
import type { FastifyReply, FastifyRequest } from 'fastify';

export interface Cookie {
  readonly name: string;
  readonly value: string;
  /** To which routes it is sent. */
  readonly path: string;
  /** 0 takes it away. */
  readonly maxAgeSeconds: number;
}

/** Sets a cookie beside those that are set already. No page reads it, and no other site's page sends it with a change. */
export function setCookie(reply: FastifyReply, publicUrl: string, cookie: Cookie): void {
  const { name, value, path, maxAgeSeconds } = cookie;
  const secure = publicUrl.startsWith('https:') ? '; Secure' : '';
  void reply.header(
    'set-cookie',
    `${name}=${value}; Max-Age=${maxAgeSeconds}; Path=${path}; HttpOnly; SameSite=Lax${secure}`,
  );
}

export const cookieOf = (request: FastifyRequest, name: string): string | undefined =>
  (request.headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1);

export function setSessionCookie(
  reply: FastifyReply,
  publicUrl: string,
  token: string,
  maxAgeSeconds: number,
): void {
  setCookie(reply, publicUrl, { name: SESSION_COOKIE, value: token, path: '/', maxAgeSeconds });
}

export function clearSessionCookie(reply: FastifyReply, publicUrl: string): void {
  setCookie(reply, publicUrl, { name: SESSION_COOKIE, value: '', path: '/', maxAgeSeconds: 0 });
}

/** An answer that holds a credential is nobody's to keep. */
export const notToBeStored = (reply: FastifyReply): void => void reply.header('cache-control', 'no-store');
