/** Where on the events' stream somebody is: which stream, for one that was lost and made anew numbers from 1 again, and how far. */
export interface Place {
  readonly life: string;
  readonly at: number;
}

// More than a message holds events.
const PLACES_OF_A_MESSAGE = 1_000;

/** The place of an event by its message and its number in it: the same on every replica, for all read the same stream. */
export const placeOf = (sequence: number, index: number): number => sequence * PLACES_OF_A_MESSAGE + index;

/** The place behind all events of a message. */
export const endOf = (sequence: number): number => placeOf(sequence + 1, 0) - 1;

/** What tells a stream from the one before it. */
export const lifeOf = (created: string): string => Date.parse(created).toString(36);

/** The `id` of a server-sent event. */
export const eventId = (life: string, at: number): string => `${life}-${at}`;

/** What is written in an id; undefined for what is none. One from before streams were told apart is of no stream. */
export function placeFrom(id: string): Place | undefined {
  const [, life = '', at] = /^(?:([0-9a-z]{1,12})-)?(\d{1,16})$/.exec(id) ?? [];
  return at === undefined ? undefined : { life, at: Number(at) };
}
