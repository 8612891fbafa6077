import { NotAllowed } from '@lineclear/kit';
import type { FastifyRequest } from 'fastify';

/**
 * The routes without a login are open to any page that this machine's browser shows: one could log its reader in as
 * somebody else, or set up a fresh house on 127.0.0.1. Browsers say where a request comes from; programs say nothing.
 */
export function refuseOtherSites(request: FastifyRequest): void {
  const site = request.headers['sec-fetch-site'];
  if (site === 'cross-site' || site === 'same-site')
    throw new NotAllowed('this cannot be asked from another site');
}
