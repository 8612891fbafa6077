/** What a provider says of a person. */
export type Claims = Readonly<Record<string, unknown>>;

/**
 * A claim by its name, or by the way to it with dots (`realm_access.roles`). A name comes first: some are addresses, and
 * hold dots themselves.
 */
export function claimAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let here: unknown = claims;
  for (const step of path.split('.')) {
    if (here === null || typeof here !== 'object' || !Object.hasOwn(here, step)) return undefined;
    here = (here as Claims)[step];
  }
  return here;
}

/** A person's groups: the claim is a list of names, or one name. */
export function groupsAt(claims: Claims, path: string): string[] {
  const found = claimAt(claims, path);
  if (typeof found === 'string') return [found];
  return Array.isArray(found) ? found.filter((item): item is string => typeof item === 'string') : [];
}

export function textAt(claims: Claims, name: string): string | undefined {
  const found = claims[name];
  return typeof found === 'string' && found.trim() !== '' ? found.trim() : undefined;
}
