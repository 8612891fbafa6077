/** The two forms of Vault's key-value engine. The second keeps versions, and has `data/` in its paths. */
export type KvVersion = 1 | 2;

/** What the server says of a mount: its engine, that we may not ask, or that it does not know the question. */
export type MountAnswer =
  | { readonly kind: 'mount'; readonly type: string; readonly version: string | undefined }
  | { readonly kind: 'denied' }
  | { readonly kind: 'unknown' };

/** The version that a mount's description tells; `try` where it has to be found out by reading, `not kv` for another engine. */
export function kvVersionFrom(answer: MountAnswer): KvVersion | 'try' | 'not kv' {
  if (answer.kind !== 'mount') return 'try';
  // `generic` is what the first version was called once.
  if (answer.type !== 'kv' && answer.type !== 'generic') return 'not kv';
  return answer.version === '2' ? 2 : 1;
}

/** Where a secret is read, below `/v1/`. */
export const kvPath = (version: KvVersion, mount: string, path: string): string =>
  version === 2 ? `${mount}/data/${path}` : `${mount}/${path}`;

/** A value as text: a string as it is, anything else as its JSON. Undefined when a number in it cannot be told exactly. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return isExact(value) ? JSON.stringify(value) : undefined;
}

/** JSON's larger whole numbers are rounded when they are read: what came out would be another secret. */
function isExact(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isInteger(value) || Number.isSafeInteger(value);
  if (typeof value === 'object' && value !== null) return Object.values(value).every(isExact);
  return true;
}
