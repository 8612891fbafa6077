/** At most so many messages in so many minutes. */
export interface Throttle {
  readonly max: number;
  readonly perMinutes: number;
}

/** Until when what comes now waits to be told in one, where `told` came in the last minutes. Undefined: there is room. */
export function throttledUntil({ max, perMinutes }: Throttle, told: number, now: Date): Date | undefined {
  if (told < max) return undefined;
  const windowMs = perMinutes * 60_000;
  return new Date((Math.floor(now.getTime() / windowMs) + 1) * windowMs);
}
