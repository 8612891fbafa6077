const SECONDS_PER_HOUR = 3_600;
// To a hundredth of a cent.
const round = (usd: number): number => Math.round(usd * 10_000) / 10_000;

/** A sum of such as it is shown: what floating point left of nothing is nothing. */
export const usd = (sum: number): number => Math.max(0, round(sum));

/** What so many seconds cost on hardware of this price. */
export const costOf = (costPerHourUsd: number, seconds: number): number =>
  round((costPerHourUsd / SECONDS_PER_HOUR) * Math.max(0, seconds));

/** What a run is finally charged: what the provider says, or else its price for the time it ran. */
export function settledCost(
  run: { readonly costUsd?: number | undefined; readonly startedAt: Date | null; readonly endedAt: Date },
  costPerHourUsd: number,
): number {
  if (run.costUsd !== undefined) return round(run.costUsd);
  if (run.startedAt === null) return 0;
  return costOf(costPerHourUsd, (run.endedAt.getTime() - run.startedAt.getTime()) / 1_000);
}
