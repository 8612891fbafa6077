import { connect as netConnect, type Socket } from 'node:net';
import { buildConnector } from 'undici';
import { refusalOf, type AllowedNetworks } from '../domain/addresses.js';
import { BlockedAddress, checkLiteral, guardedLookup, type ResolveAll } from './guarded-lookup.js';

interface ConnectorParts {
  readonly allowed: AllowedNetworks;
  readonly timeoutMs: number;
  readonly resolve?: ResolveAll;
  /** What really connects; undici's unless a test gives another. */
  readonly connect?: buildConnector.connector;
}

/** @throws BlockedAddress when a connection went where it must not: whatever resolved the name, the peer decides. */
function checkPeer(socket: Socket, allowed: AllowedNetworks): void {
  const refusal = refusalOf(socket.remoteAddress ?? 'an unknown peer', allowed);
  if (refusal === undefined) return;
  socket.destroy();
  throw new BlockedAddress(refusal);
}

/**
 * A connector for undici that reaches public addresses and allowed networks only. undici calls no lookup for IP
 * addresses, so those are checked first; names at the lookup; and whom it reached once it is connected.
 */
export function guardedConnector(parts: ConnectorParts): buildConnector.connector {
  const { allowed } = parts;
  const lookup = guardedLookup(allowed, parts.resolve);
  const connect = parts.connect ?? buildConnector({ lookup, timeout: parts.timeoutMs });
  return (options, callback) => {
    try {
      checkLiteral(options.hostname, allowed);
    } catch (error) {
      return callback(error as Error, null);
    }
    return connect(options, (error, socket) => {
      if (error) return callback(error, null);
      try {
        checkPeer(socket, allowed);
      } catch (blocked) {
        return callback(blocked as Error, null);
      }
      return callback(null, socket);
    });
  };
}

/** The same for a plain TCP connection. */
export function openGuardedSocket(
  target: { readonly host: string; readonly port: number },
  parts: Omit<ConnectorParts, 'connect'>,
): Promise<Socket> {
  const { allowed } = parts;
  return new Promise((resolve, reject) => {
    checkLiteral(target.host, allowed);
    const socket = netConnect({ ...target, lookup: guardedLookup(allowed, parts.resolve) });
    const timer = setTimeout(() => socket.destroy(new Error('the connection timed out')), parts.timeoutMs);
    socket.once('error', reject);
    socket.once('close', () => clearTimeout(timer));
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', reject);
      // It may break before its new owner listens; the owner sees that it is closed.
      socket.on('error', () => undefined);
      try {
        checkPeer(socket, allowed);
        resolve(socket);
      } catch (blocked) {
        reject(blocked as Error);
      }
    });
  });
}
