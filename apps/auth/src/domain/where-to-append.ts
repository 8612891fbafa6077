import { GENESIS, isSigned, type Link, type Mac, type SignedLink } from './audit-chain.js';

interface Found {
  readonly last: Link | undefined;
  readonly head: SignedLink | undefined;
  readonly anchor: SignedLink | undefined;
}

/**
 * What the next entry follows. A head that was not signed here, or that knows nothing of entries that are there, is not
 * believed: the log goes on behind its last entry, and says so.
 */
export function whereToAppend(
  { last, head, anchor }: Found,
  sign: Mac,
): { readonly link: Link; readonly isForged: boolean } {
  const kept = last ?? anchor ?? GENESIS;
  const isForged = !head || !isSigned(head, sign) || head.seq < kept.seq;
  return { link: isForged ? kept : head, isForged };
}
