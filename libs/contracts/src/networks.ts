import { z } from 'zod';

/** A range of addresses, read: the bits of its lowest address and how many of them count. */
interface Network {
  readonly version: 4 | 6;
  readonly bits: bigint;
  readonly prefix: number;
}

const WIDTH = { 4: 32, 6: 128 } as const;
/** Where IPv6 keeps the IPv4 addresses: ::ffff:0:0/96. */
const MAPPED = 0xffffn;

const ipv4 = z.ipv4();
const ipv6 = z.ipv6();
function versionOf(address: string): 4 | 6 | undefined {
  if (ipv4.safeParse(address).success) return 4;
  // A zone may be any text, and no network has one.
  return ipv6.safeParse(address).success && !address.includes('%') ? 6 : undefined;
}

const ofIPv4 = (address: string): bigint =>
  address.split('.').reduce((bits, octet) => (bits << 8n) | BigInt(octet), 0n);

function ofIPv6(address: string): bigint {
  const [head = '', tail = ''] = address.split('::');
  const groupsOf = (part: string): bigint[] =>
    part === ''
      ? []
      : part.split(':').flatMap((group) => {
          if (!group.includes('.')) return [BigInt(`0x${group}`)];
          const last = ofIPv4(group);
          return [last >> 16n, last & 0xffffn];
        });
  const [left, right] = [groupsOf(head), groupsOf(tail)];
  const zeros = Array<bigint>(8 - left.length - right.length).fill(0n);
  return [...left, ...zeros, ...right].reduce((bits, group) => (bits << 16n) | group, 0n);
}

/** One address as the narrowest network; an IPv4 address written as IPv6 is still the IPv4 address. */
function single(address: string): Network | undefined {
  const version = versionOf(address);
  if (version === 4) return { version, bits: ofIPv4(address), prefix: 32 };
  if (version === undefined) return undefined;
  const bits = ofIPv6(address);
  return bits >> 32n === MAPPED
    ? { version: 4, bits: bits & 0xffff_ffffn, prefix: 32 }
    : { version: 6, bits, prefix: 128 };
}

function write({ version, bits, prefix }: Network): string {
  const part = (n: bigint, width: bigint): bigint => (bits >> (n * width)) & ((1n << width) - 1n);
  if (version === 4) return `${[3n, 2n, 1n, 0n].map((n) => part(n, 8n)).join('.')}/${prefix}`;
  const groups = [7n, 6n, 5n, 4n, 3n, 2n, 1n, 0n].map((n) => part(n, 16n).toString(16));
  // A URL shortens an address as it is always written.
  return `${new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)}/${prefix}`;
}

/** Reads a network in CIDR notation, or says what is wrong with it. What is read is given back as it is always written. */
export function readCidr(text: string): { readonly cidr: string } | { readonly fault: string } {
  const read = parse(text);
  return 'fault' in read ? read : { cidr: write(read) };
}

/** A network in CIDR notation, given on as it is always written. */
export const cidr = z
  .string()
  .max(64)
  .transform((text, context) => {
    const read = readCidr(text);
    if ('cidr' in read) return read.cidr;
    context.addIssue(read.fault);
    return z.NEVER;
  });

function parse(text: string): Network | { readonly fault: string } {
  const [, address = '', length] = /^([^/]+)\/(0|[1-9][0-9]{0,2})$/.exec(text) ?? [];
  const from = single(address);
  if (!from || length === undefined)
    return { fault: 'is not a network such as 203.0.113.0/24, or 203.0.113.7/32 for one address' };
  const written = versionOf(address) ?? 6;
  // A network of IPv4 addresses may come written as IPv6: then its first 96 bits say so and count no more.
  const prefix = Number(length) - (WIDTH[written] - WIDTH[from.version]);
  if (Number(length) > WIDTH[written]) return { fault: `has more than ${WIDTH[written]} bits` };
  if (prefix <= 0) return { fault: 'is every address there is' };
  const bits = lowest(from, prefix);
  if (bits !== from.bits)
    return { fault: `has bits set beyond its length: the network is ${write({ ...from, bits, prefix })}` };
  return { ...from, prefix };
}

function lowest({ version, bits }: Network, prefix: number): bigint {
  const free = BigInt(WIDTH[version] - prefix);
  return (bits >> free) << free;
}

const holds = (outer: Network, inner: Network): boolean =>
  outer.version === inner.version &&
  outer.prefix <= inner.prefix &&
  lowest(inner, outer.prefix) === outer.bits;

const networksOf = (cidrs: readonly string[]): Network[] =>
  cidrs.map(parse).filter((read): read is Network => !('fault' in read));

/** These networks, read once, to ask whether an address is in one. What is no address, or no network, is in none and holds none. */
export function networks(cidrs: readonly string[]): (address: string) => boolean {
  const read = networksOf(cidrs);
  return (address) => {
    const asked = single(address);
    return asked !== undefined && read.some((network) => holds(network, asked));
  };
}

/** Whether an address is in one of these networks. */
export const isWithin = (cidrs: readonly string[], address: string): boolean => networks(cidrs)(address);

/** Whether each of the `inner` networks lies in one of the `outer` ones. */
export function areWithin(outer: readonly string[], inner: readonly string[]): boolean {
  const allowed = networksOf(outer);
  return inner.map(parse).every((asked) => !('fault' in asked) && allowed.some((one) => holds(one, asked)));
}
