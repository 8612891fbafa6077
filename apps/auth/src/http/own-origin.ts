import { Conflict, isLocalUrl } from '@lineclear/kit';
import type { FastifyRequest } from 'fastify';

/**
 * What the browser calls this house: the public address, or on the house's own machine the address it was asked at, as
 * that may have another port.
 */
export function ownOrigin({ headers }: Pick<FastifyRequest, 'headers'>, publicUrl: string): string {
  const known = new URL(publicUrl);
  if (!isLocalUrl(known)) return known.origin;
  const host = headers['x-forwarded-host'] ?? headers.host;
  const asked = `http://${String(host)}`;
  if (URL.canParse(asked) && isLocalUrl(new URL(asked))) return new URL(asked).origin;
  throw new Conflict(
    'this house does not know what it is called: set auth.public_url in the configuration file',
  );
}
