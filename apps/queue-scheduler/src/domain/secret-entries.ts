import { pathOfUse, secretUseOf, variableOfUse, type SecretEntry } from '@lineclear/contracts';
import type { Provider } from './providers.js';

/** Each once; what says no more than its name is the name. */
export function distinctEntries(entries: readonly SecretEntry[]): SecretEntry[] {
  const distinct = new Map<string, SecretEntry>();
  for (const entry of entries) {
    const { name, env, file } = secretUseOf(entry);
    distinct.set(JSON.stringify([name, env, file]), env === undefined && file === undefined ? name : entry);
  }
  return [...distinct.values()];
}

/** What cannot be: two values in one variable or file, or a file where the provider gives its runs none; undefined when all can. */
export function faultOfEntries(
  entries: readonly SecretEntry[],
  { name: provider, givesFiles }: Pick<Provider, 'name' | 'givesFiles'>,
): string | undefined {
  const taken = new Set<string>();
  for (const use of entries.map(secretUseOf)) {
    const { name, file } = use;
    if (file !== undefined && !givesFiles)
      return `${provider} gives its runs no files: ${name} can only be a variable there`;
    const variable = variableOfUse(use);
    const places = [
      ...(variable === undefined ? [] : [`the variable ${variable}`]),
      ...(file === undefined ? [] : [`the file ${pathOfUse(name, file)}`]),
    ];
    for (const place of places) {
      if (taken.has(place)) return `puts two values into ${place}`;
      taken.add(place);
    }
  }
  return undefined;
}
