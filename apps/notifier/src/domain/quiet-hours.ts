import type { Severity } from './severity.js';
import { momentsOf, wallOf } from './wall-clock.js';

/** As `Date` counts them. */
export const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
export type Day = (typeof DAYS)[number];

export interface QuietHours {
  /** `HH:MM`. An end that is not behind the start is on the next day. */
  readonly start: string;
  readonly end: string;
  /** On which they begin. */
  readonly days: readonly Day[];
  /** What passes where this is false. */
  readonly alsoCritical: boolean;
  readonly alsoApprovals: boolean;
}

const DAY_MS = 86_400_000;

/** When the quiet hours end that it is in, or undefined outside them. A time that comes twice, or never, counts as quiet. */
export function quietUntil(hours: QuietHours, timeZone: string, now: Date): Date | undefined {
  const wall = wallOf(timeZone, now);
  const today = Date.UTC(wall.getUTCFullYear(), wall.getUTCMonth(), wall.getUTCDate());
  const ends = [today - DAY_MS, today].flatMap((day) => {
    if (!hours.days.includes(DAYS[new Date(day).getUTCDay()]!)) return [];
    const endDay = hours.end > hours.start ? day : day + DAY_MS;
    const begin = momentsOf(timeZone, new Date(day + msOf(hours.start))).first;
    const end = momentsOf(timeZone, new Date(endDay + msOf(hours.end))).last;
    return begin <= now && now < end ? [end] : [];
  });
  const [end] = ends.toSorted((a, b) => b.getTime() - a.getTime());
  // In the night in which the clock is put back, the next ones may have begun by then.
  return end && (quietUntil(hours, timeZone, end) ?? end);
}

/** Whether something of this kind waits for their end. */
export const isHeld = (
  hours: QuietHours,
  { severity, isApproval }: { severity: Severity; isApproval: boolean },
): boolean => (severity !== 'critical' || hours.alsoCritical) && (!isApproval || hours.alsoApprovals);

function msOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return (hours * 60 + minutes) * 60_000;
}
