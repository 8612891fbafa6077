import { BlockList, isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

// Where a gateway of ours can stand: this machine, or a private network behind it.
const ours = new BlockList();
ours.addSubnet('127.0.0.0', 8, 'ipv4');
ours.addSubnet('10.0.0.0', 8, 'ipv4');
ours.addSubnet('172.16.0.0', 12, 'ipv4');
ours.addSubnet('192.168.0.0', 16, 'ipv4');
ours.addAddress('::1', 'ipv6');
ours.addSubnet('fc00::', 7, 'ipv6');

const isIn = (list: BlockList, address: string): boolean => {
  const version = isIP(address);
  return version !== 0 && list.check(address, version === 4 ? 'ipv4' : 'ipv6');
};

/** Without an IPv6 zone, which may be any text; and an IPv4 address that came over an IPv6 socket is still the IPv4 address. */
const plain = (address: string): string =>
  address.replace(/%.*$/s, '').replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');

/** Whether an address is this machine's own. */
export const isLoopback = (address: string): boolean => isIn(loopback, plain(address));

/**
 * The address a request came from: what the gateway says, where the connection comes from a place our gateway can be,
 * and the connection's own otherwise. Of several addresses the last counts: only that one our gateway wrote.
 */
export function clientAddress(request: Pick<FastifyRequest, 'headers' | 'socket'>): string {
  const peer = plain(request.socket.remoteAddress ?? 'unknown');
  if (!isIn(ours, peer)) return peer;
  const told = plain([request.headers['x-forwarded-for']].flat().join(',').split(',').at(-1)?.trim() ?? '');
  return isIP(told) === 0 ? peer : told;
}
