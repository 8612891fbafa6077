/** A credential as variables: all of them belong together. */
export interface Offer {
  readonly from: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Puts credentials into an environment, each whole or not at all: a variable that has another value already would make one
 * credential of two, such as one cloud's key with another's endpoint. What was there first stays.
 */
export function withOffers(
  base: Readonly<Record<string, string | undefined>>,
  offers: readonly Offer[],
): {
  readonly env: Record<string, string | undefined>;
  readonly taken: Offer[];
  readonly left: { from: string; because: string }[];
} {
  const env = { ...base };
  const taken: Offer[] = [];
  const left: { from: string; because: string }[] = [];
  for (const offer of offers) {
    const because = Object.entries(offer.env).find(([name, value]) => (env[name] ?? value) !== value)?.[0];
    if (because !== undefined) {
      left.push({ from: offer.from, because });
      continue;
    }
    Object.assign(env, offer.env);
    taken.push(offer);
  }
  return { env, taken, left };
}

/** A `--secret`: which secret, and the variable it is given in; undefined where that can be none. */
export function secretOption(text: string): { readonly name: string; readonly variable: string } | undefined {
  const [, name = '', variable = name] = /^([A-Za-z_][A-Za-z0-9_.-]{0,127})(?:=(.*))?$/.exec(text) ?? [];
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(variable) ? { name, variable } : undefined;
}
