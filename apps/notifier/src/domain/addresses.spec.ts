import { describe, expect, it } from 'vitest';
import { parseNetworks, refusalOf } from './addresses.js';

const allowed = (address: string, networks = ''): boolean =>
  refusalOf(address, parseNetworks(networks)) === undefined;

describe('an address', () => {
  it.each([
    ['loopback', '127.0.0.1'],
    ['loopback, elsewhere', '127.255.255.254'],
    ['this host', '0.0.0.0'],
    ['private 10', '10.1.2.3'],
    ['private 172', '172.16.0.1'],
    ['private 192', '192.168.1.1'],
    ['link-local', '169.254.1.1'],
    ['metadata', '169.254.169.254'],
    ['Azure host', '168.63.129.16'],
    ['Alibaba metadata', '100.100.100.200'],
    ['carrier NAT', '100.64.0.1'],
    ['protocol assignments', '192.0.0.192'],
    ['documentation', '192.0.2.1'],
    ['6to4 relay', '192.88.99.1'],
    ['benchmark', '198.18.0.1'],
    ['multicast', '224.0.0.1'],
    ['reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['IPv6 loopback', '::1'],
    ['IPv6 unspecified', '::'],
    ['IPv4-mapped', '::ffff:7f00:1'],
    ['IPv4-mapped, dotted', '::ffff:169.254.169.254'],
    ['IPv4-mapped Azure host', '::ffff:168.63.129.16'],
    ['IPv4-translated', '::ffff:0:7f00:1'],
    ['IPv4-compatible', '::7f00:1'],
    ['NAT64', '64:ff9b::7f00:1'],
    ['NAT64, local', '64:ff9b:1::7f00:1'],
    ['6to4', '2002:7f00:1::'],
    ['Teredo', '2001::1'],
    ['ULA', 'fd00::1'],
    ['AWS metadata', 'fd00:ec2::254'],
    ['IPv6 link-local', 'fe80::1'],
    ['with a zone', 'fe80::1%eth0'],
    ['site-local', 'fec0::1'],
    ['discard', '100::1'],
    ['IPv6 documentation', '2001:db8::1'],
    ['segment routing', '5f00::1'],
    ['not global unicast', '4000::1'],
    ['IPv6 multicast', 'ff02::1'],
    ['no address', 'localhost'],
    ['nothing', ''],
  ])('is refused: %s', (_, address) => {
    expect(allowed(address)).toBe(false);
  });

  it.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8'])(
    'is allowed: %s',
    (address) => {
      expect(allowed(address)).toBe(true);
    },
  );

  it.each([
    ['127.0.0.1', '127.0.0.0/8', true],
    ['::ffff:127.0.0.1', '127.0.0.0/8', true],
    ['127.0.0.1', '10.0.0.0/8, 127.0.0.1/32', true],
    ['127.0.0.2', '127.0.0.1/32', false],
    ['fd00::1', 'fd00::/8', true],
    ['::1', '127.0.0.0/8', false],
    ['10.0.0.1', '', false],
  ])('%s with %j allowed: %s', (address, networks, expected) => {
    expect(allowed(address, networks)).toBe(expected);
  });

  it.each(['10.0.0.0', '10.0.0.0/33', 'x/8', '10.0.0.0/8;127.0.0.0/8'])(
    '%j is no list of networks',
    (list) => {
      expect(() => parseNetworks(list)).toThrow('CIDR');
    },
  );
});
