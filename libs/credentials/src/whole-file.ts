import { parseDocument, isMap } from 'yaml';
import { UnusableText } from './errors.js';
import type { FileFamily } from './format.js';

interface WholeFile {
  /** White space around the value is not part of it, as in a file that holds just a token. */
  readonly trimmed?: boolean;
  /** Why the text cannot be such a file; undefined when it can. */
  readonly refuse?: (text: string) => string | undefined;
}

/** A file that is the credential: it is read and written as it is. */
export function wholeFile(field: string, { trimmed = false, refuse }: WholeFile = {}): FileFamily {
  return {
    fields: [field],
    whole: true,
    read: (text) => {
      if (text.trim() === '') return undefined;
      const why = refuse?.(text);
      if (why !== undefined) throw new UnusableText(why);
      return { [field]: trimmed ? text.trim() : text };
    },
    write: (_, values) => values[field] ?? '',
    remove: () => undefined,
  };
}

export const notOneToken = (text: string): string | undefined =>
  /\s/.test(text.trim()) ? 'holds more than one token' : undefined;

export const notPrivateKey = (text: string): string | undefined =>
  /^-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\r?$/m.test(text) ? undefined : 'does not hold a private key';

/** Credentials of Google Cloud are an object that says its `type` (`authorized_user`, `service_account` ...). */
export function notGoogleCredentials(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const type: unknown =
      typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
    return typeof type === 'string' ? undefined : 'does not say which type of credentials it is';
  } catch {
    return 'is not JSON';
  }
}

export function notKubeconfig(text: string): string | undefined {
  const document = parseDocument(text, { schema: 'failsafe' });
  return document.errors.length === 0 && isMap(document.contents) && document.contents.has('clusters')
    ? undefined
    : 'is not a kubeconfig';
}
