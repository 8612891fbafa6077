import { BadInput } from '@lineclear/kit';

const DAY_MS = 86_400_000;

/** From when to when something is to hold; it begins now where nobody says otherwise. @throws BadInput naming `ends_at` */
export function timeSpan(
  { starts_at, ends_at }: { readonly starts_at?: string | undefined; readonly ends_at: string },
  now: Date,
  maxDays: number,
): { startsAt: Date; endsAt: Date } {
  const startsAt = starts_at === undefined ? now : new Date(starts_at);
  const endsAt = new Date(ends_at);
  if (endsAt <= startsAt || endsAt <= now) throw BadInput.at('ends_at', 'is over before it begins');
  if (endsAt.getTime() - startsAt.getTime() > maxDays * DAY_MS)
    throw BadInput.at('ends_at', `is more than ${maxDays} days after the beginning`);
  return { startsAt, endsAt };
}
