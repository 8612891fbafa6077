const MAX_LENGTH = 2_000;

/**
 * Where a browser may be sent after a login: a path of this house, or a page of one of the listed origins. Undefined for
 * everything else, and for whatever browsers read in another way than it looks (backslashes, control characters, `//`).
 */
export function returnPath(
  asked: string,
  ownOrigin: string,
  allowedOrigins: readonly string[],
): string | undefined {
  if (asked.length > MAX_LENGTH || /[\s\\\p{Cc}\p{Cf}]/u.test(asked)) return undefined;
  if (!URL.canParse(asked, ownOrigin)) return undefined;
  const url = new URL(asked, ownOrigin);
  if (asked.startsWith('/')) return !asked.startsWith('//') && url.origin === ownOrigin ? asked : undefined;
  if (!/^https?:\/\/[^/]/.test(asked) || url.username !== '' || url.password !== '') return undefined;
  return allowedOrigins.includes(url.origin) ? url.href : undefined;
}
