/** How many times as long as estimated runs hold their slot: half of them no longer than p50, nine of ten no longer than p90. */
export interface Ratios {
  readonly p50: number;
  readonly p90: number;
}
export type Quantile = keyof Ratios;

/** What runs on one kind of machine took of late: ratios of actual to estimated time. */
export interface Measured {
  readonly provider: string;
  readonly hardware: string;
  readonly ratios: readonly number[];
}

/** What is believed of a house where nothing was measured yet. */
const UNKNOWN: Ratios = { p50: 1, p90: 1.5 };
/** What is believed beforehand weighs as much as so many runs. */
const WEIGHT = 10;
const [LEAST, MOST] = [0.001, 1_000];

/** How long runs really take, by provider and hardware: the fewer were measured there, the more the whole house says. */
export class Calibration {
  readonly #house: Ratios;
  readonly #byMachine: ReadonlyMap<string, Ratios>;

  constructor(measured: readonly Measured[]) {
    const all = measured.flatMap(({ ratios }) => ratios);
    this.#house = estimate(all, UNKNOWN);
    this.#byMachine = new Map(measured.map((one) => [nameOf(one), estimate(one.ratios, this.#house)]));
  }

  of(machine: { readonly provider: string; readonly hardware: string }): Ratios {
    return this.#byMachine.get(nameOf(machine)) ?? this.#house;
  }
}

const nameOf = ({ provider, hardware }: { readonly provider: string; readonly hardware: string }): string =>
  `${provider}/${hardware}`;

/** What is measured, drawn towards what is believed: the mean of the logarithms, each by its weight. */
export function estimate(ratios: readonly number[], believed: Ratios): Ratios {
  if (ratios.length === 0) return believed;
  const sorted = ratios.map((ratio) => Math.min(MOST, Math.max(LEAST, ratio))).toSorted((a, b) => a - b);
  const weight = sorted.length / (sorted.length + WEIGHT);
  const drawn = (measured: number, prior: number): number =>
    Math.exp(weight * Math.log(measured) + (1 - weight) * Math.log(prior));
  return {
    p50: drawn(quantile(sorted, 0.5), believed.p50),
    p90: drawn(quantile(sorted, 0.9), believed.p90),
  };
}

/** Of numbers in their order, with the straight line between two neighbours. */
function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const [below, above] = [sorted[Math.floor(at)] ?? 0, sorted[Math.ceil(at)] ?? 0];
  return below + (above - below) * (at - Math.floor(at));
}

/** What a job that runs is expected to take. */
export interface Length {
  readonly estimatedSeconds: number;
  /** Then its provider stops it. */
  readonly maxSeconds: number | null;
}

export const expectedSeconds = ({ estimatedSeconds, maxSeconds }: Length, ratio: number): number =>
  Math.min(estimatedSeconds * ratio, maxSeconds ?? Infinity);

/** A run that is longer under way than expected is said to take a tenth more of that. */
const OVERDUE_SHARE = 0.1;

/** How much longer a job runs that has run so long. */
export function remainingSeconds(length: Length, ratio: number, elapsedSeconds: number): number {
  const left = expectedSeconds(length, ratio) - elapsedSeconds;
  if (left > 0) return left;
  const most = Math.max(0, (length.maxSeconds ?? Infinity) - elapsedSeconds);
  return Math.min(most, Math.max(1, elapsedSeconds * OVERDUE_SHARE));
}
