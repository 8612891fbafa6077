/** Somebody to write to. */
export interface Person {
  readonly user_id: number;
  readonly username: string;
  readonly email: string;
}

/** Who is away, and who stands in for them, if anybody does. */
export type Away = ReadonlyMap<number, Person | undefined>;

export interface Circles {
  /** Whoever may decide, in circles: those of the first are asked at once, those of each next one when the request is escalated. */
  readonly circles: readonly (readonly Person[])[];
  /** Asked where nobody else is left. */
  readonly fallback: readonly Person[];
  readonly away: Away;
  /** The requester, and whoever said something already: nobody asks them. */
  readonly not: readonly number[];
}

/**
 * Whom to ask after so many escalations: of those circles everybody who is there, or who stands in for them. Where that is nobody
 * it goes on to the next circle, then to the fall-back; and where everybody is away, somebody has to be asked nevertheless.
 */
export function whomToAsk({ circles, fallback, away, not }: Circles, escalations: number): readonly Person[] {
  const present = (people: readonly Person[]): Person[] =>
    distinct(
      people.flatMap((person) => {
        if (!away.has(person.user_id)) return [person];
        const standIn = away.get(person.user_id);
        return standIn && !away.has(standIn.user_id) && !not.includes(person.user_id) ? [standIn] : [];
      }),
    ).filter(({ user_id }) => !not.includes(user_id));
  for (let upTo = Math.min(escalations + 1, circles.length); upTo <= circles.length; upTo += 1) {
    const asked = present(circles.slice(0, upTo).flat());
    if (asked.length > 0) return asked;
  }
  const last = present(fallback);
  if (last.length > 0) return last;
  return distinct(circles.flat()).filter(({ user_id }) => !not.includes(user_id));
}

/** Those of `after` who are not in `before`. */
export const newlyAsked = (before: readonly Person[], after: readonly Person[]): readonly Person[] =>
  after.filter(({ user_id }) => !before.some((one) => one.user_id === user_id));

const distinct = (people: readonly Person[]): Person[] =>
  [...new Map(people.toReversed().map((person) => [person.user_id, person])).values()].toReversed();
