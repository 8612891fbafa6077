import { randomUUID } from 'node:crypto';

/** A UUIDv7: unique, and rising with time, so that indexes over it grow at one end. */
export function newEventId(nowMs = Date.now()): string {
  const time = nowMs.toString(16).padStart(12, '0');
  // A random UUID's last 74 random bits, which Node draws in advance, many at a time.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
