/** Before the @ are 64 characters at most (RFC 5321), of which the plus and the token take 33. */
const MAX_LOCAL = 31;
const MAX_LENGTH = 221;

/** Why answers cannot come to this address with a token behind a plus, or undefined when they can. */
export function faultOfInbound(address: string): string | undefined {
  const at = address.indexOf('@');
  if (address.slice(0, at).includes('+')) return 'holds a plus, which is where the tokens of answers go';
  if (at > MAX_LOCAL || address.length > MAX_LENGTH)
    return `has no room for a token: ${MAX_LOCAL} characters stand before the @ at most`;
  return undefined;
}

/** Where the answer to one mail comes to. */
export function replyAddress(inbound: string, token: string): string {
  const at = inbound.indexOf('@');
  return `${inbound.slice(0, at)}+${token}${inbound.slice(at)}`;
}
