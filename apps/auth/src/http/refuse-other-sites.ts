import { isLoopback, NotAllowed } from '@lineclear/kit';
import type { FastifyRequest } from 'fastify';

/**
 * The routes without a login are open to any page that this machine's browser shows: one could log its reader in as
 * somebody else, or set up a fresh house on 127.0.0.1. Browsers say where a request comes from; programs say nothing.
 */
export function refuseOtherSites({ headers }: FastifyRequest, publicUrl: string): void {
  const { origin, host, 'x-forwarded-host': asked = host, 'sec-fetch-site': site } = headers;
  const isOwn = origin === undefined || isPublic(origin, publicUrl) || urlOf(origin)?.host === asked;
  if (!isOwn || site === 'cross-site' || site === 'same-site')
    throw new NotAllowed('this cannot be asked from another site');
}

/** A site whose name now leads to this machine is no other site to its browser: a page's own name must be this machine's. */
export function refuseNamedSites({ headers: { origin } }: FastifyRequest, publicUrl: string): void {
  if (origin === undefined || isPublic(origin, publicUrl)) return;
  const name = urlOf(origin)?.hostname ?? '';
  if (name !== 'localhost' && !isLoopback(name.replace(/^\[|\]$/g, '')))
    throw new NotAllowed('this cannot be asked from a page of another name');
}

const urlOf = (origin: string): URL | undefined => (URL.canParse(origin) ? new URL(origin) : undefined);
const isPublic = (origin: string, publicUrl: string): boolean => origin === new URL(publicUrl).origin;
