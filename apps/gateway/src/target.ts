export type Target =
  | { readonly ok: true; readonly path: string; readonly search: string }
  | { readonly ok: false; readonly because: string };

const PLAIN = /^[\w\-.~!$&'()*+,;=:@/]*$/;
const refused = (because: string): Target => ({ ok: false, because });

const decodeUnreserved = (path: string): string =>
  path.replace(/%[0-9a-f]{2}/gi, (code) => {
    const char = String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return /[\w\-.~]/.test(char) ? char : code;
  });

function whyNot(path: string): string | undefined {
  if (/%(?:[01][0-9a-f]|7f)/i.test(path)) return 'the path holds a control character';
  if (/\\|%2f|%5c/i.test(path)) return 'the path holds an encoded slash or a backslash';
  if (path.includes('//')) return 'the path holds an empty segment';
  // "..;x" is the parent folder to servers that read ";" as the start of a parameter.
  if (/\/\.{1,2}(?:;[^/]*)?(?:\/|$)/.test(path)) return 'the path holds a "." or ".." segment';
  return undefined;
}

/**
 * Reads a request target so that the route table and the service behind it must see the same path: escapes of letters, digits
 * and "-._~" are undone (RFC 3986, 6.2.2.2), and whatever two routers could read in two ways is refused.
 */
export function readTarget(url: string): Target {
  const mark = url.indexOf('?');
  const raw = mark < 0 ? url : url.slice(0, mark);
  const search = mark < 0 ? '' : url.slice(mark);
  if (!raw.startsWith('/')) return refused('the request target must start with "/"');
  if (/[^\x21-\x7e]|#/.test(url))
    return refused('the address holds a character that must be percent-encoded');
  if (PLAIN.test(raw) && !/\/[./]/.test(raw)) return { ok: true, path: raw, search };
  // Before decoding, which could make an escape of it: "%%61b" is no "%ab".
  if (/%(?![0-9a-f]{2})/i.test(raw)) return refused('the path holds a % that starts no escape');
  const path = decodeUnreserved(raw);
  const because = whyNot(path);
  return because === undefined ? { ok: true, path, search } : refused(because);
}
