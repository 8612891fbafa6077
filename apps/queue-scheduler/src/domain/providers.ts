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
  /** Whether it sells what nobody here priced, at the price of its own list. */
  readonly sellsListed: boolean;
}

/** Who says what hardware of a provider costs: an administrator, the configuration, or the provider's own list. */
export const PRICE_SOURCES = ['administrator', 'configuration', 'provider'] as const;
export type PriceSource = (typeof PRICE_SOURCES)[number];

/** A provider with its present prices: those that an administrator set over those of the configuration, and these over what it lists itself. */
export interface PricedProvider extends Provider {
  readonly sources: Readonly<Record<string, PriceSource>>;
}

export function priced(provider: Provider, set: PriceList = {}, listed: PriceList = {}): PricedProvider {
  const all = { provider: listed, configuration: provider.hardware, administrator: set } as const;
  const from = (source: PriceSource): Record<string, PriceSource> =>
    Object.fromEntries(Object.keys(all[source]).map((name) => [name, source]));
  return {
    ...provider,
    hardware: { ...listed, ...provider.hardware, ...set },
    sources: { ...from('provider'), ...from('configuration'), ...from('administrator') },
  };
}
