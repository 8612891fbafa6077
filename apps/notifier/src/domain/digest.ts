import { createHash } from 'node:crypto';
import { momentsOf, wallOf } from './wall-clock.js';

export const DIGESTS = ['immediately', 'hourly', 'daily'] as const;
export type Digest = (typeof DIGESTS)[number];

/** What a mail is called, in the log of deliveries, that holds what was collected. */
export const DIGEST_TYPE = 'notification.digest';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** When what comes now is told, together with what else has come until then. Undefined: at once. */
export function digestAt(digest: Digest, hour: number, timeZone: string, now: Date): Date | undefined {
  switch (digest) {
    case 'immediately':
      return undefined;
    case 'hourly':
      return new Date((Math.floor(now.getTime() / HOUR_MS) + 1) * HOUR_MS);
    case 'daily': {
      const wall = wallOf(timeZone, now);
      const today = Date.UTC(wall.getUTCFullYear(), wall.getUTCMonth(), wall.getUTCDate());
      // The hour of today may be over, and in the nights in which the clock is changed it may be an odd one.
      const next = [0, DAY_MS, 2 * DAY_MS]
        .map((days) => momentsOf(timeZone, new Date(today + days + hour * HOUR_MS)).first)
        .find((moment) => moment > now);
      return next ?? new Date(now.getTime() + DAY_MS);
    }
  }
}

/** The id of what is collected for one moment: whoever collects for the same moment finds the same. */
export function collectionId(...about: readonly (string | number)[]): string {
  const hex = createHash('sha256').update(JSON.stringify(about)).digest('hex');
  // A UUID of version 8: one of our own making.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
