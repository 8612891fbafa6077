import { fields, listedPrice, MAX_LISTED_PRICES, type ListedPrice } from '@lineclear/contracts';

/** A provider's price list as the house keeps it: without what no job could name, or what is no price. */
export function keptPrices(
  given: ReadonlyMap<string, { readonly usdPerHour: number; readonly gpus: number }>,
): Readonly<Record<string, ListedPrice>> {
  const kept = [...given].flatMap(([name, { usdPerHour, gpus }]): [string, ListedPrice][] => {
    const price = listedPrice.safeParse({ cost_per_hour_usd: usdPerHour, gpus });
    const isName = fields.hardware.safeParse(name).data === name && !name.includes('\u0000');
    return price.success && isName ? [[name, price.data]] : [];
  });
  return Object.fromEntries(kept.slice(0, MAX_LISTED_PRICES));
}
