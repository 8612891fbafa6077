import { typesOf } from './event-catalogue.js';
import { OUTCOMES, OWN_EVENTS } from './own-events.js';
import type { Severity } from './severity.js';

/** What a person says of events about themselves. */
export interface OwnPreference {
  /** An event's name, `*`, or a category as `job.*`. */
  readonly eventType: string;
  readonly isEnabled: boolean;
  readonly minSeverity: Severity;
  /** Null: the first email channel that is enabled. */
  readonly channelId: number | null;
}

const DEFAULT: Omit<OwnPreference, 'eventType'> = {
  isEnabled: true,
  minSeverity: 'debug',
  channelId: null,
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
