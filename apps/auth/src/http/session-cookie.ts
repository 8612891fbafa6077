import { SESSION_COOKIE } from '@lineclear/access';
import type { FastifyReply } from 'fastify';

const attributes = (secure: boolean): string => `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
const isHttps = (publicUrl: string): boolean => publicUrl.startsWith('https:');

export function setSessionCookie(
  reply: FastifyReply,
  publicUrl: string,
  token: string,
  maxAgeSeconds: number,
): void {
  void reply.header(
    'set-cookie',
    `${SESSION_COOKIE}=${token}; Max-Age=${maxAgeSeconds}; ${attributes(isHttps(publicUrl))}`,
  );
}

export function clearSessionCookie(reply: FastifyReply, publicUrl: string): void {
  void reply.header('set-cookie', `${SESSION_COOKIE}=; Max-Age=0; ${attributes(isHttps(publicUrl))}`);
}

/** An answer that holds a credential is nobody's to keep. */
export const notToBeStored = (reply: FastifyReply): void => void reply.header('cache-control', 'no-store');
