import { BlockList, isIP } from 'node:net';
import { z } from 'zod';

const family = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 4 ? 'ipv4' : 'ipv6');

/** A network in CIDR notation, such as `10.0.0.0/8` or `fd00::/8`; an address without a length is a network of one. */
export const cidr = z
  .string()
  .max(50)
  .refine((text) => {
    const [address = '', length, ...more] = text.split('/');
    if (isIP(address) === 0 || more.length > 0) return false;
    if (length === undefined) return true;
    return /^(0|[1-9]\d{0,2})$/.test(length) && Number(length) <= (isIP(address) === 4 ? 32 : 128);
  }, 'is not a network in CIDR notation');

/** Without an IPv6 zone, which may be any text; and an IPv4 address that came over an IPv6 socket is still the IPv4 address. */
export const plainAddress = (address: string): string =>
  address.replace(/%.*$/s, '').replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');

/** Networks to ask whether an address is in one of them. */
export class Networks {
  readonly #list = new BlockList();

  constructor(cidrs: readonly string[]) {
    for (const text of cidrs) {
      const [address = '', length] = text.split('/');
      if (length === undefined) this.#list.addAddress(address, family(address));
      else this.#list.addSubnet(address, Number(length), family(address));
    }
  }

  /** What is no address is in none. */
  has(address: string): boolean {
    const plain = plainAddress(address);
    return isIP(plain) !== 0 && this.#list.check(plain, family(plain));
  }
}
