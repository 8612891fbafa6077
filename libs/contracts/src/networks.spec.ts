import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { areWithin, isWithin, readCidr } from './networks.js';

it.each([
  ['10.0.0.0/8', '10.0.0.0/8'],
  ['203.0.113.7/32', '203.0.113.7/32'],
  ['2001:DB8::/32', '2001:db8::/32'],
  ['2001:db8:0:0:0:0:0:1/128', '2001:db8::1/128'],
  ['fe80::/10', 'fe80::/10'],
  ['::/1', '::/1'],
  ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
  ['::ffff:a00:1/128', '10.0.0.1/32'],
])('%s is the network %s', (text, cidr) => {
  expect(readCidr(text)).toEqual({ cidr });
});

it.each([
  ['', 'is not a network'],
  ['10.0.0.1', 'is not a network'],
  ['10.0.0.0/', 'is not a network'],
  ['10.0.0.0/08', 'is not a network'],
  ['10.0.0.0/+8', 'is not a network'],
  ['10.0.0.0/8/8', 'is not a network'],
  [' 10.0.0.0/8', 'is not a network'],
  ['10.0.0/8', 'is not a network'],
  ['010.0.0.0/8', 'is not a network'],
  ['300.0.0.0/8', 'is not a network'],
  ['2001:db8::%eth0/64', 'is not a network'],
  ['2001:db8:::/64', 'is not a network'],
  ['example.org/24', 'is not a network'],
  ['*', 'is not a network'],
  ['10.0.0.0/33', 'has more than 32 bits'],
  ['2001:db8::/129', 'has more than 128 bits'],
  ['0.0.0.0/0', 'is every address there is'],
  ['10.0.0.0/0', 'is every address there is'],
  ['::/0', 'is every address there is'],
  ['::ffff:0.0.0.0/96', 'is every address there is'],
  ['10.0.0.1/8', 'the network is 10.0.0.0/8'],
  ['2001:db8::1/64', 'the network is 2001:db8::/64'],
])('%j is refused: %s', (text, fault) => {
  expect(readCidr(text)).toEqual({ fault: expect.stringContaining(fault) });
});

describe('an address', () => {
  it.each([
    [['10.0.0.0/8'], '10.255.255.255', true],
    [['10.0.0.0/8'], '11.0.0.0', false],
    [['10.0.0.0/8'], '::ffff:10.1.2.3', true],
    [['10.0.0.0/8'], '::ffff:a01:203', true],
    [['203.0.113.7/32'], '203.0.113.7', true],
    [['203.0.113.7/32'], '203.0.113.8', false],
    [['192.0.2.0/24', '2001:db8::/64'], '2001:db8::ffff', true],
    [['192.0.2.0/24', '2001:db8::/64'], '2001:db8:0:1::', false],
    [['::/1'], '10.0.0.1', false],
    [['10.0.0.0/8'], 'unknown', false],
    [['10.0.0.0/8'], '', false],
    [['nonsense'], '10.0.0.1', false],
    [[], '10.0.0.1', false],
  ])('of %j, %s: %s', (cidrs, address, expected) => {
    expect(isWithin(cidrs, address)).toBe(expected);
  });

  it('is judged by its first bits alone', () => {
    const version = fc.constantFrom<4 | 6>(4, 6);
    fc.assert(
      fc.property(
        version,
        fc.bigInt(0n, 2n ** 128n - 1n),
        fc.nat(127),
        fc.nat(127),
        (family, seed, cut, flip) => {
          const width = family === 4 ? 32 : 128;
          // 2001:db8::/32 keeps clear of the addresses that stand for IPv4.
          const bits = family === 4 ? seed >> 96n : (0x2001_0db8n << 96n) | (seed >> 32n);
          const prefix = (cut % width) + 1;
          const free = BigInt(width - prefix);
          const bit = flip % width;
          const cidr = `${addressOf(family, (bits >> free) << free)}/${prefix}`;
          const other = addressOf(family, bits ^ (1n << BigInt(width - 1 - bit)));
          expect(isWithin([cidr], addressOf(family, bits))).toBe(true);
          expect(isWithin([cidr], other)).toBe(bit >= prefix);
        },
      ),
    );
  });
});

function addressOf(family: 4 | 6, bits: bigint): string {
  const [parts, width, radix, separator] = family === 4 ? [4, 8n, 10, '.'] : [8, 16n, 16, ':'];
  return Array.from({ length: parts }, (_, n) =>
    ((bits >> (width * BigInt(parts - 1 - n))) & (2n ** width - 1n)).toString(radix),
  ).join(separator);
}

describe('networks', () => {
  it.each([
    [['10.0.0.0/8'], ['10.1.0.0/16', '10.2.0.0/32'], true],
    [['10.0.0.0/8'], ['10.0.0.0/8'], true],
    [['10.0.0.0/8'], ['10.0.0.0/7'], false],
    [['10.0.0.0/8'], ['10.1.0.0/16', '11.0.0.0/16'], false],
    [['2001:db8::/32'], ['2001:db8:1::/48'], true],
    [['2001:db8::/32'], ['10.0.0.0/8'], false],
    [['10.0.0.0/8'], ['nonsense'], false],
  ])('in %j lie %j: %s', (outer, inner, expected) => {
    expect(areWithin(outer, inner)).toBe(expected);
  });
});
