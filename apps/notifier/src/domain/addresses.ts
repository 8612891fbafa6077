import ipaddr from 'ipaddr.js';

type Network = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];
/** Networks that are not public and may be reached all the same. */
export type AllowedNetworks = readonly Network[];

/** Reads a comma list of networks in CIDR notation. @throws with the one that is none. */
export function parseNetworks(list: string): AllowedNetworks {
  return list
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map((text) => {
      if (!ipaddr.isValidCIDR(text)) throw new Error(`${text} is not a network in CIDR notation`);
      return ipaddr.parseCIDR(text);
    });
}

// Public by number, but served inside a cloud's own network: Azure's host endpoint, Alibaba's metadata.
const DENIED: readonly Network[] = ['168.63.129.16/32', '100.100.100.200/32', '169.254.169.254/32'].map(
  (text) => ipaddr.parseCIDR(text),
);
const GLOBAL_UNICAST_V6: Network = ipaddr.parseCIDR('2000::/3');

const isIn = (address: ipaddr.IPv4 | ipaddr.IPv6, [network, bits]: Network): boolean =>
  address.kind() === network.kind() && address.match(network as ipaddr.IPv4, bits);

export const isAddress = (text: string): boolean => ipaddr.isValid(text);

/** Whether this IP address is in a network that was named. */
export const isAllowed = (text: string, allowed: AllowedNetworks): boolean =>
  allowed.some((network) => isIn(ipaddr.process(text), network));

/** Why nothing may be sent to this IP address, or undefined when it may. An IPv4 address inside an IPv6 one counts as itself. */
export function refusalOf(text: string, allowed: AllowedNetworks): string | undefined {
  if (!ipaddr.isValid(text)) return `${text} is not an IP address`;
  const address = ipaddr.process(text);
  if (allowed.some((network) => isIn(address, network))) return undefined;
  const isPublic =
    address.range() === 'unicast' &&
    (address.kind() === 'ipv4' || isIn(address, GLOBAL_UNICAST_V6)) &&
    !DENIED.some((network) => isIn(address, network));
  return isPublic
    ? undefined
    : `${address.toString()} is not a public address (LINECLEAR_WEBHOOK_ALLOW_CIDRS can allow its network)`;
}
