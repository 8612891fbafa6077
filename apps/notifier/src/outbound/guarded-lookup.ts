import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { refusalOf, type AllowedNetworks } from '../domain/addresses.js';

/** The target is inside a network that nothing is sent to. */
export class BlockedAddress extends Error {
  override readonly name = 'BlockedAddress';
}

/** Resolves a name to all its addresses; the system's way unless a test gives another. */
export type ResolveAll = (
  host: string,
  options: LookupOptions & { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;
export const resolveBySystem: ResolveAll = (host, options, callback) => systemLookup(host, options, callback);

/** @throws BlockedAddress when the host is an IP address that nothing may be sent to: those are never looked up. */
export function checkLiteral(host: string, allowed: AllowedNetworks): void {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  const refusal = isIP(bare) === 0 ? undefined : refusalOf(bare, allowed);
  if (refusal !== undefined) throw new BlockedAddress(refusal);
}

/** A lookup for net.connect that fails when any of a name's addresses is not allowed: which one is used is not ours to say. */
export function guardedLookup(
  allowed: AllowedNetworks,
  resolve: ResolveAll = resolveBySystem,
): LookupFunction {
  return (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '');
      for (const { address } of addresses) {
        const refusal = refusalOf(address, allowed);
        if (refusal !== undefined) return callback(new BlockedAddress(`${host}: ${refusal}`), '');
      }
      const [first] = addresses;
      if (!first) return callback(new Error(`${host} has no address`), '');
      if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
