import { isIP } from 'node:net';
import { networks } from '@lineclear/contracts';
import type { FastifyRequest } from 'fastify';
import type { ConfigFile } from './config-file.js';

const inLoopback = networks(['127.0.0.0/8', '::1/128']);
/** Where a gateway of ours can stand: this machine, or a private network behind it. */
const inOurs = networks([
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::1/128',
  'fc00::/7',
]);

/** Without an IPv6 zone, which may be any text; and an IPv4 address that came over an IPv6 socket is still the IPv4 address. */
const plain = (address: string): string =>
  address.replace(/%.*$/s, '').replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');

/** Whether an address is this machine's own. */
export const isLoopback = (address: string): boolean => inLoopback(plain(address));

/** Whether an address of the web is on this machine. */
export const isLocalUrl = ({ hostname }: URL): boolean =>
  hostname === 'localhost' || isLoopback(hostname.replace(/^\[|\]$/g, ''));

/**
 * Whose word is taken for where a request came from, as Fastify's `trustProxy` asks: the nearest hop is our gateway, where
 * one can stand; each further one is a proxy that the configuration trusts.
 */
export function trustedHops(network: ConfigFile['network']): (address: string, hop: number) => boolean {
  const inProxies = networks(network.trust_proxy_headers ? network.trusted_proxies : []);
  return (address, hop) => (hop === 0 ? inOurs : inProxies)(plain(address));
}

/**
 * The address a request came from: X-Forwarded-For is read from its right end for as long as the hop that wrote it is
 * trusted. What a trusted hop passed on that is no address is not believed, and the hop itself counts.
 */
export function clientAddress({ ip, ips = [ip] }: Pick<FastifyRequest, 'ip' | 'ips'>): string {
  return ips.map((hop) => plain(hop ?? '')).findLast((hop) => isIP(hop) !== 0) ?? 'unknown';
}

/** What an address is counted as: an IPv6 caller has a whole /64 to come from, so that is one address. */
export function addressGroup(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.toLowerCase().split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros =
    tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  const groups = [...left, ...zeros, ...right].slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ''));
  return `${groups.join(':')}::/64`;
}

/** Whether a request was made on this machine: no hop it claims, or is seen, to have come by is another one. */
export function isFromThisMachine(request: Pick<FastifyRequest, 'headers' | 'socket'>): boolean {
  const claimed = [request.headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
  const hops = claimed.map((hop) => hop.trim()).filter((hop) => hop !== '');
  return [request.socket.remoteAddress ?? '', ...hops].every(isLoopback);
}
