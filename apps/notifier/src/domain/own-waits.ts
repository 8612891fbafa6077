/** What a message for one person waits for, by that person's own wish. */
export const OWN_WAITS = ['quiet_hours', 'digest', 'throttled'] as const;
export type OwnWait = (typeof OWN_WAITS)[number];

/** Until when it waits, and why. */
export interface Held {
  readonly why: OwnWait;
  readonly until: Date;
}
