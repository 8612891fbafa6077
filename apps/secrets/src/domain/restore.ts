/** A moment in the life of a secret: which version was current after it, unless it was removed. */
export interface Change {
  readonly at: Date;
  readonly kind: 'set' | 'removed' | 'undeleted' | 'renamed';
  readonly version: number;
}

export interface Present {
  readonly version: number;
  readonly isRemoved: boolean;
}

/** What takes a secret back to a moment. */
export type Step =
  | { readonly step: 'keep' }
  /** The value of this version becomes the newest version. */
  | { readonly step: 'set'; readonly version: number }
  | { readonly step: 'remove' }
  /** The version is not kept any more. */
  | { readonly step: 'lost'; readonly version: number };

/**
 * What makes a secret what it was at a moment. `changes` are all there are, oldest first; `isKept` tells which versions
 * still have a value, `isSame` which two versions have an equal one.
 */
export function planRestore(
  changes: readonly Change[],
  at: Date,
  { version: current, isRemoved }: Present,
  { isKept, isSame }: { isKept: (version: number) => boolean; isSame: (a: number, b: number) => boolean },
): Step {
  const then = changes.findLast((change) => change.at.getTime() <= at.getTime());
  if (!then || then.kind === 'removed') return isRemoved ? { step: 'keep' } : { step: 'remove' };
  const { version } = then;
  if (!isRemoved && (version === current || isSame(version, current))) return { step: 'keep' };
  return isKept(version) ? { step: 'set', version } : { step: 'lost', version };
}
