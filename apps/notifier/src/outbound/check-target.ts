import { withDeadline } from '@lineclear/kit';
import type { AllowedNetworks } from '../domain/addresses.js';
import {
  BlockedAddress,
  checkLiteral,
  guardedLookup,
  resolveBySystem,
  type ResolveAll,
} from './guarded-lookup.js';

const DEADLINE_MS = 2_000;

/**
 * Why messages to this host would be refused, or undefined. A name that cannot be resolved just now passes: it is
 * checked again at each connection.
 */
export async function refusalOfHost(
  host: string,
  allowed: AllowedNetworks,
  resolve: ResolveAll = resolveBySystem,
): Promise<string | undefined> {
  try {
    checkLiteral(host, allowed);
    const lookup = guardedLookup(allowed, resolve);
    await withDeadline(
      new Promise<void>((done, reject) => {
        lookup(host, { all: true }, (error) => (error ? reject(error) : done()));
      }),
      DEADLINE_MS,
    );
    return undefined;
  } catch (error) {
    return error instanceof BlockedAddress ? error.message : undefined;
  }
}
