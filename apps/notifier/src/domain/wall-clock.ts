const DAY_MS = 86_400_000;

/** What a clock on a wall in this zone shows, as the UTC time that reads the same. */
export function wallOf(timeZone: string, at: Date): Date {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(at);
  const part = (name: Intl.DateTimeFormatPartTypes): number =>
    Number(parts.find(({ type }) => type === name)?.value);
  return new Date(
    Date.UTC(
      part('year'),
      part('month') - 1,
      part('day'),
      part('hour'),
      part('minute'),
      part('second'),
      at.getUTCMilliseconds(),
    ),
  );
}

/**
 * When a clock in this zone shows this. In the night in which it is put back some times come twice, and both are given; in
 * the one in which it is put forward some never come, and the two are an hour apart around it.
 */
export function momentsOf(timeZone: string, wall: Date): { readonly first: Date; readonly last: Date } {
  // What the zone is off by a day earlier and a day later: between them it changes once at most.
  const candidates = [-DAY_MS, DAY_MS]
    .map((away) => new Date(wall.getTime() + away))
    .map((near) => wall.getTime() - (wallOf(timeZone, near).getTime() - near.getTime()));
  const shown = candidates.filter((ms) => wallOf(timeZone, new Date(ms)).getTime() === wall.getTime());
  const moments = shown.length > 0 ? shown : candidates;
  return { first: new Date(Math.min(...moments)), last: new Date(Math.max(...moments)) };
}

/** Whether this is the name of a zone, as `Europe/Berlin`: one that knows its summer, and no mere offset. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
