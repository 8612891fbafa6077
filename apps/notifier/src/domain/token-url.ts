import { isAddress, isAllowed, type AllowedNetworks } from './addresses.js';

/** Why no secret may be sent there, or undefined: over https alone, but for an address in a network that is allowed. */
export function faultOfTokenUrl(text: string, allowed: AllowedNetworks): string | undefined {
  const { protocol, hostname } = new URL(text);
  const bare = hostname.replace(/^\[(.*)\]$/, '$1');
  if (protocol === 'https:' || (isAddress(bare) && isAllowed(bare, allowed))) return undefined;
  return 'is not a https URL';
}
