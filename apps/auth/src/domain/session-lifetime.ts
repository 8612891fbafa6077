const DAY_SECONDS = 86_400;

/** A session's life: a day, or thirty for who asked to be remembered. */
export const sessionSeconds = (rememberMe: boolean): number => (rememberMe ? 30 : 1) * DAY_SECONDS;

export const after = (now: Date, seconds: number): Date => new Date(now.getTime() + seconds * 1_000);
export const daysAfter = (now: Date, days: number): Date => after(now, days * DAY_SECONDS);
