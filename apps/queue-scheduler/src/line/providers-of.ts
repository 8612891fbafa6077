import { givesFiles, type ProviderConfig } from '@lineclear/kit';
import type { PriceList, Provider } from '../domain/providers.js';

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
    providers.set(LOCAL, {
      name: LOCAL,
      type: 'local',
      hardware: LOCAL_PRICES,
      givesFiles: true,
      sellsListed: false,
    });
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
        sellsListed: 'listed_prices' in config && config.listed_prices,
      });
  }
  return providers;
}
