/** How many calls one account may make: on average, and at once after a pause. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** What a call is for: what starts, finds or stops a run may take all there is, what only looks leaves some for it. */
export type Purpose = 'dispatch' | 'look';

const SHARE_LEFT_BY_LOOKS = 0.25;
// Of sums of thirds, and of times in 53 bits.
const ROUNDING_MS = 0.01;

const perCallMs = ({ perSecond }: Rate): number => 1_000 / perSecond;

/**
 * Takes one call's worth out of a bucket. All that is known of a bucket is when it will be full again: what is in it follows from
 * that and the time. Gives when it is full then, or after how long there is enough in it.
 */
export function take(
  fullAtMs: number,
  nowMs: number,
  rate: Rate,
  purpose: Purpose,
): { readonly fullAtMs: number } | { readonly waitMs: number } {
  const left = purpose === 'dispatch' ? 0 : Math.min(rate.burst * SHARE_LEFT_BY_LOOKS, rate.burst - 1);
  const next = Math.max(fullAtMs, nowMs) + perCallMs(rate);
  const latest = nowMs + (rate.burst - left) * perCallMs(rate);
  return next <= latest + ROUNDING_MS ? { fullAtMs: next } : { waitMs: next - latest };
}

/** The provider says "too many": there is nothing in the bucket until `untilMs`, whatever we counted. Gives when it is full again. */
export const emptied = (fullAtMs: number, untilMs: number, rate: Rate): number =>
  Math.max(fullAtMs, untilMs + rate.burst * perCallMs(rate));
