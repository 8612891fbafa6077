import { createHash } from 'node:crypto';

// At least 128 bits. Mail programs change the case of an address at will, so base32 and not base64.
const TOKEN = /^[a-z2-7]{26,64}$/u;

export interface Addressed {
  /** Where the sender's own header sends it. */
  readonly to: readonly string[];
  readonly cc: readonly string[];
  /** Where mail servers say that it arrived. */
  readonly delivered: readonly string[];
}
export type FoundToken = { readonly sha256: string; readonly in: 'to' | 'cc' } | { readonly refused: string };

/** The token of an address `local+<token>@domain` of ours. */
function tokenIn(address: string, replyTo: string): string | undefined {
  const at = replyTo.lastIndexOf('@');
  const [start, end] = [`${replyTo.slice(0, at)}+`.toLowerCase(), replyTo.slice(at).toLowerCase()];
  const plain = address
    .trim()
    .replace(/^<(.*)>$/u, '$1')
    .toLowerCase();
  if (!plain.startsWith(start) || !plain.endsWith(end)) return undefined;
  const token = plain.slice(start.length, plain.length - end.length);
  return TOKEN.test(token) ? token : undefined;
}

const tokensIn = (addresses: readonly string[], replyTo: string): string[] =>
  addresses.flatMap((address) => tokenIn(address, replyTo) ?? []);
const sha256Of = (token: string): string => createHash('sha256').update(token).digest('hex');

/** As tokenOf, of a mail that a machine sent: nobody signs those, and the envelope says as what a mail of ours came back. */
export function returnedTokenOf({ to, cc, delivered }: Addressed, replyTo: string): string | undefined {
  const [token, ...others] = new Set(tokensIn([...to, ...cc, ...delivered], replyTo));
  return token === undefined || others.length > 0 ? undefined : sha256Of(token);
}

/**
 * Which question a mail answers, as the SHA-256 of its token. It stands in the header that the sender signed: an envelope is
 * signed by nobody, and would make an answer to one question an answer to another.
 */
export function tokenOf({ to, cc, delivered }: Addressed, replyTo: string): FoundToken {
  const own = { to: tokensIn(to, replyTo), cc: tokensIn(cc, replyTo) };
  const all = new Set([...own.to, ...own.cc, ...tokensIn(delivered, replyTo)]);
  const [token] = all;
  if (token === undefined) return { refused: 'it is addressed to no token of ours' };
  if (all.size > 1) return { refused: 'it is addressed to more than one token' };
  if (own.to.length + own.cc.length === 0)
    return { refused: 'its token is in the envelope alone, not in its To or Cc' };
  return { sha256: sha256Of(token), in: own.to.length > 0 ? 'to' : 'cc' };
}
