import { isIP } from 'node:net';
import { isLoopback, NotAllowed } from '@lineclear/kit';
import type { FastifyRequest } from 'fastify';

/**
 * What needs no credential is open to any page that a browser shows which can reach this house: one could log its reader
 * in as somebody else, set up a fresh house on 127.0.0.1, or act as who comes from an internal network. Browsers say where
 * a request comes from; programs say nothing.
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

/**
 * Whether a request asks for this house by a name that no other site can have: its public one, an address, or one without
 * a dot. A site whose name was made to lead here would else be read by its own pages, as being one site with us.
 */
export function isOwnName({ headers }: Pick<FastifyRequest, 'headers'>, publicUrl: string): boolean {
  const asked = urlOf(`http://${String(headers['x-forwarded-host'] ?? headers.host)}`)?.hostname ?? '';
  return (
    asked === new URL(publicUrl).hostname || isIP(asked.replace(/^\[|\]$/g, '')) !== 0 || !asked.includes('.')
  );
}

const urlOf = (origin: string): URL | undefined => (URL.canParse(origin) ? new URL(origin) : undefined);
const isPublic = (origin: string, publicUrl: string): boolean => origin === new URL(publicUrl).origin;
