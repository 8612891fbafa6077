/** By hardware: what it costs, and how many GPUs it has (1 when it is not said). */
export type PriceList = Readonly<
  Record<string, { readonly cost_per_hour_usd: number; readonly gpus?: number | undefined }>
>;

/** A compute provider that jobs may name. */
export interface Provider {
  readonly name: string;
  /** What the configuration calls its type. */
  readonly type: string;
  readonly hardware: PriceList;
  /** Whether a run can be given secrets in files. */
  readonly givesFiles: boolean;
}

/** A provider with the prices that an administrator set over those of the configuration. */
export const repriced = (provider: Provider, set: PriceList): Provider => ({
  ...provider,
  hardware: { ...provider.hardware, ...set },
});
