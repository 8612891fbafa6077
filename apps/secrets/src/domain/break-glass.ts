import { GLOBAL, looksAfterAll, orgScope, teamScope, userScope, type Caller } from './scopes.js';

const HOUR_MS = 3_600_000;

/**
 * Whose secrets an administrator may take in an emergency: everybody's, where they look after all organisations; else their
 * organisation's, their teams' and their own, or, belonging to none, what the house shares.
 */
export function glassScopes(caller: Caller): 'all' | readonly string[] {
  if (looksAfterAll(caller)) return 'all';
  return [
    caller.org === undefined ? GLOBAL : orgScope(caller.org.id),
    ...(caller.teams ?? []).map(({ id }) => teamScope(id)),
    userScope(caller.user_id),
  ];
}

/** By when a value that was taken has to be another one, and when people are reminded: when half of the time is gone. */
export const deadlinesOf = (
  at: Date,
  hours: number,
): { readonly mustRotateBy: Date; readonly warnAt: Date } => ({
  mustRotateBy: new Date(at.getTime() + hours * HOUR_MS),
  warnAt: new Date(at.getTime() + (hours * HOUR_MS) / 2),
});

/** The earlier of two ends; null where there is none. */
export function earliest(...ends: readonly (Date | null)[]): Date | null {
  return ends.reduce((first, end) => (first === null || (end !== null && end < first) ? end : first), null);
}
