/** How deep templates may stand in each other, how many secrets one may lead to, and how long what comes out may be. */
export const LIMITS = { depth: 10, names: 200, characters: 65_536 } as const;

const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_.-]{0,127})\}/g;

/** Why a template has no value. It names secrets, never their values. */
export class BrokenTemplate extends Error {
  override readonly name = 'BrokenTemplate';
}

/** What a name stands for: a value, or a template whose value is made of those of others. */
export interface Text {
  readonly text: string;
  readonly isTemplate: boolean;
}

/** The names that a template refers to by `${NAME}`, each once. `$${` is a `${` that refers to nothing. */
export const referencesIn = (text: string): string[] => [
  ...new Set([...text.matchAll(REFERENCE)].flatMap(([, name]) => (name === undefined ? [] : [name]))),
];

/**
 * The values of these templates, with all that they refer to filled in; what is filled in is not searched again. `texts` holds
 * what is known, `names` what is wanted. @throws BrokenTemplate for a circle, a name that is not there, or what is beyond the limits
 */
export function expand(names: readonly string[], texts: ReadonlyMap<string, Text>): Map<string, string> {
  const done = new Map<string, string>();
  const path: string[] = [];
  const valueOf = (name: string): string => {
    const known = done.get(name);
    if (known !== undefined) return known;
    const found = texts.get(name);
    if (!found) throw new BrokenTemplate(`${path.at(-1) ?? ''} refers to ${name}, which is not there`);
    if (path.includes(name)) throw new BrokenTemplate(`a circle: ${[...path, name].join(' -> ')}`);
    if (path.length > LIMITS.depth)
      throw new BrokenTemplate(`${path[0] ?? name} leads through more than ${LIMITS.depth} others`);
    path.push(name);
    const value = found.isTemplate ? fill(name, found.text, valueOf) : found.text;
    path.pop();
    done.set(name, value);
    return value;
  };
  return new Map(names.map((name) => [name, valueOf(name)]));
}

function fill(name: string, text: string, valueOf: (name: string) => string): string {
  const value = text.replace(REFERENCE, (_, other: string | undefined) =>
    other === undefined ? '${' : valueOf(other),
  );
  if (value.length > LIMITS.characters)
    throw new BrokenTemplate(`${name} is longer than ${LIMITS.characters} characters once it is filled in`);
  return value;
}
