import type { Level, SecretDemand } from '@lineclear/contracts';

/** Who approves where nobody says which level: the one that decides on quotas too. */
const USUAL_LEVEL: Level = 'lead';

/** What somebody wants of a secret's demand for an approval; what is not said stays. */
export interface WantedDemand {
  readonly requiresApproval?: boolean | undefined;
  readonly approvalLevel?: Level | undefined;
}

/** The level whose approval a secret takes after a change; null for none. */
export function levelAfter(
  now: Level | null,
  { requiresApproval, approvalLevel }: WantedDemand,
): Level | null {
  if (requiresApproval === undefined) return now;
  return requiresApproval ? (approvalLevel ?? now ?? USUAL_LEVEL) : null;
}

/** A stored secret, by name and scope, and the level whose approval it takes. */
export interface Demanding {
  readonly name: string;
  readonly scope: string;
  readonly level: Level | null;
}

/** Which of these names take an approval for a job that looks in these scopes, the nearest first: the first that has a name decides. */
export function demandsOf(
  names: readonly string[],
  scopes: readonly string[],
  stored: readonly Demanding[],
): SecretDemand[] {
  return names.flatMap((name) => {
    const named = stored.filter((one) => one.name === name);
    const nearest = scopes
      .map((scope) => named.find((one) => one.scope === scope))
      .find((one) => one !== undefined);
    return nearest && nearest.level !== null ? [{ ...nearest, level: nearest.level }] : [];
  });
}
