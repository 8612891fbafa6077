import { givesFiles, type ProviderConfig, type ProviderType } from '@lineclear/kit';

/** By hardware: what it costs, and how many GPUs it has (1 when it is not said). */
export type PriceList = Readonly<
  Record<string, { readonly cost_per_hour_usd: number; readonly gpus?: number | undefined }>
>;

/** A compute provider that jobs may name. */
export interface Provider {
  readonly name: string;
  readonly type: ProviderType;
  readonly hardware: PriceList;
  /** Whether a run can be given secrets in files. */
  readonly givesFiles: boolean;
}

const LOCAL = 'local';
// Running on this machine costs nothing, unless someone says what it costs.
const LOCAL_PRICES: PriceList = { local: { cost_per_hour_usd: 0 } };

/** The providers there are: those of the configuration that are enabled, and `local` where the environment allows it. */
export function providersOf(
  configured: Readonly<Record<string, ProviderConfig>>,
  localAllowed: boolean,
): Map<string, Provider> {
  const providers = new Map<string, Provider>();
  if (localAllowed)
    providers.set(LOCAL, { name: LOCAL, type: 'local', hardware: LOCAL_PRICES, givesFiles: true });
  for (const [name, config] of Object.entries(configured)) {
    const { type, enabled, hardware } = config;
    // What the configuration says counts, also when it says no.
    if (!enabled) providers.delete(name);
    else
      providers.set(name, {
        name,
        type,
        hardware: type === 'local' ? { ...LOCAL_PRICES, ...hardware } : hardware,
        givesFiles: givesFiles(config),
      });
  }
  return providers;
}

/** A provider with the prices that an administrator set over those of the configuration. */
export const repriced = (provider: Provider, set: PriceList | undefined): Provider =>
  set === undefined ? provider : { ...provider, hardware: { ...provider.hardware, ...set } };
