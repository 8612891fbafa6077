import { digestAt } from './digest.js';
import type { OwnPreference } from './own-preferences.js';
import type { Held } from './own-waits.js';
import { isHeld, quietUntil, type QuietHours } from './quiet-hours.js';
import type { Severity } from './severity.js';
import { throttledUntil } from './throttle.js';

export interface Schedule {
  readonly timeZone: string;
  readonly quietHours: QuietHours | null;
}
export interface What {
  readonly severity: Severity;
  /** It asks for a decision. */
  readonly isApproval: boolean;
}
export type When =
  | { readonly how: 'now' }
  | { readonly how: 'later'; readonly held: Held }
  /** In one mail with whatever else waits for the same moment. */
  | { readonly how: 'together'; readonly held: Held };

/** Until when quiet hours hold this. */
export function heldBy(schedule: Schedule | undefined, what: What, now: Date): Held | undefined {
  if (!schedule?.quietHours || !isHeld(schedule.quietHours, what)) return undefined;
  const until = quietUntil(schedule.quietHours, schedule.timeZone, now);
  return until && { why: 'quiet_hours', until };
}

/** When a person is told of this, who was told `told` times within the minutes of their throttle. */
export function whenToTell(
  what: What,
  wish: OwnPreference,
  schedule: Schedule | undefined,
  told: number,
  now: Date,
): When {
  // What is collected comes in quiet hours no more than anything else.
  const together = (why: Held['why'], at: Date): When => ({
    how: 'together',
    held: { why, until: heldBy(schedule, what, at)?.until ?? at },
  });
  const digest =
    what.severity === 'critical'
      ? undefined
      : digestAt(wish.digest, wish.digestHour, schedule?.timeZone ?? 'UTC', now);
  if (digest) return together('digest', digest);
  const collapsed = wish.throttle && throttledUntil(wish.throttle, told, now);
  if (collapsed) return together('throttled', collapsed);
  const held = heldBy(schedule, what, now);
  return held ? { how: 'later', held } : { how: 'now' };
}
