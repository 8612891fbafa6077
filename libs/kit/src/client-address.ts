import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { ConfigFile } from './config-file.js';
import { Networks, plainAddress } from './networks.js';

const LOOPBACK = new Networks(['127.0.0.0/8', '::1']);
/** Where a gateway of ours can stand: this machine, or a private network behind it. */
const OURS = new Networks([
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::1',
  'fc00::/7',
]);

/** Whether an address is this machine's own. */
export const isLoopback = (address: string): boolean => LOOPBACK.has(address);

/**
 * Whose word is taken for where a request came from, as Fastify's `trustProxy` asks: the nearest hop is our gateway, where
 * one can stand; each further one is a proxy that the configuration trusts.
 */
export function trustedHops(network: ConfigFile['network']): (address: string, hop: number) => boolean {
  const proxies = new Networks(network.trust_proxy_headers ? network.trusted_proxies : []);
  return (address, hop) => (hop === 0 ? OURS : proxies).has(address);
}

/**
 * The address a request came from: X-Forwarded-For is read from its right end for as long as the hop that wrote it is
 * trusted. What a trusted hop passed on that is no address is not believed, and the hop itself counts.
 */
export function clientAddress({ ip, ips = [ip] }: Pick<FastifyRequest, 'ip' | 'ips'>): string {
  return ips.map((hop) => plainAddress(hop ?? '')).findLast((hop) => isIP(hop) !== 0) ?? 'unknown';
}

/** Whether a request was made on this machine: no hop it claims, or is seen, to have come by is another one. */
export function isFromThisMachine(request: Pick<FastifyRequest, 'headers' | 'socket'>): boolean {
  const claimed = [request.headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
  const hops = claimed.map((hop) => hop.trim()).filter((hop) => hop !== '');
  return [request.socket.remoteAddress ?? '', ...hops].every(isLoopback);
}
