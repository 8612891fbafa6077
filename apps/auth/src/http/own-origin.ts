import { Conflict, isLocalUrl } from '@lineclear/kit';
import type { FastifyRequest } from 'fastify';
import type { RelyingParty } from '../credentials/passkeys.js';

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

/** Whom passkeys are made for, and shown to: the house by the name that the browser knows it by. */
export function relyingParty(request: Pick<FastifyRequest, 'headers'>, publicUrl: string): RelyingParty {
  const origin = ownOrigin(request, publicUrl);
  return { origin, id: new URL(origin).hostname };
}
