import type { NamedEntry } from './entry.js';

/** What becomes of an entry: `kept` has another value than the one that is there, which stays. */
export interface PlannedImport {
  readonly entry: NamedEntry;
  readonly outcome: 'set' | 'unchanged' | 'kept' | 'refused';
}

/** What an import does, given the fingerprints of the values that are there now. */
export function planImport(
  entries: readonly NamedEntry[],
  current: ReadonlyMap<string, Buffer | null>,
  fingerprintOf: (value: string) => Buffer,
  overwrite: boolean,
): PlannedImport[] {
  return entries.map((entry) => {
    if (entry.fault !== undefined) return { entry, outcome: 'refused' };
    const there = current.get(entry.name);
    if (there === undefined) return { entry, outcome: 'set' };
    if (there?.equals(fingerprintOf(entry.value))) return { entry, outcome: 'unchanged' };
    return { entry, outcome: overwrite ? 'set' : 'kept' };
  });
}
