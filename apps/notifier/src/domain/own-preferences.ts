import type { Digest } from './digest.js';
import { typesOf } from './event-catalogue.js';
import { OUTCOMES, OWN_EVENTS } from './own-events.js';
import type { Severity } from './severity.js';
import type { Throttle } from './throttle.js';

/** What a person says of events about themselves. */
export interface OwnPreference {
  /** An event's name, `*`, or a category as `job.*`. */
  readonly eventType: string;
  readonly isEnabled: boolean;
  readonly minSeverity: Severity;
  /** Null: the first email channel that is enabled. */
  readonly channelId: number | null;
  readonly digest: Digest;
  /** Of the day, in the person's time zone, for a daily one. */
  readonly digestHour: number;
  readonly throttle: Throttle | null;
}

/** Where nothing is said. */
export const DEFAULT: Omit<OwnPreference, 'eventType'> = {
  isEnabled: true,
  minSeverity: 'debug',
  channelId: null,
  digest: 'immediately',
  digestHour: 8,
  throttle: null,
};

/** The events about themselves that a person may choose by this pattern. */
export const ownTypesOf = (pattern: string): readonly string[] =>
  typesOf(pattern).filter((type) => OWN_EVENTS.includes(type));

const precision = (pattern: string): number => (pattern === '*' ? 0 : pattern.endsWith('.*') ? 1 : 2);

/** What a person wants of events of this type: what names it most precisely counts. Undefined: they were never asked about it. */
export function wishFor(type: string, preferences: readonly OwnPreference[]): OwnPreference | undefined {
  const [wish] = preferences
    .filter(({ eventType }) => ownTypesOf(eventType).includes(type))
    .toSorted((a, b) => precision(b.eventType) - precision(a.eventType));
  return wish ?? (OUTCOMES.includes(type) ? { eventType: type, ...DEFAULT } : undefined);
}

/** The events that this preference counts for: those that no other one of the same person names more precisely. */
export const typesUnder = (
  { eventType }: OwnPreference,
  preferences: readonly OwnPreference[],
): readonly string[] =>
  ownTypesOf(eventType).filter((type) => wishFor(type, preferences)?.eventType === eventType);
