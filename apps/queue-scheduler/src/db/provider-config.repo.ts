import type { Queryable } from '@lineclear/kit';
import { NO_COST_LIMIT, type CostSetting } from '../domain/cost-limits.js';
import type { PriceList } from '../domain/providers.js';

/** What is set for a provider over its configuration. */
export interface ProviderSetting {
  readonly hardware: PriceList;
  readonly costLimit: CostSetting;
}

export async function of(db: Queryable, provider: string): Promise<ProviderSetting> {
  const [row] = await db.query<CostSetting & { readonly hardware: PriceList }>(
    `select hardware, cost_limit_enabled as enabled, cost_limit_amount as amount, cost_limit_period as period, cost_limit_action as action
     from provider_config where provider = $1`,
    [provider],
  );
  if (!row) return { hardware: {}, costLimit: NO_COST_LIMIT };
  const { hardware, ...costLimit } = row;
  return { hardware, costLimit };
}

export async function put(
  db: Queryable,
  provider: string,
  { hardware, costLimit }: ProviderSetting,
  now: Date,
): Promise<void> {
  const { enabled, amount, period, action } = costLimit;
  await db.query(
    `insert into provider_config (provider, hardware, cost_limit_enabled, cost_limit_amount, cost_limit_period, cost_limit_action, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (provider) do update set hardware = excluded.hardware, cost_limit_enabled = excluded.cost_limit_enabled,
       cost_limit_amount = excluded.cost_limit_amount, cost_limit_period = excluded.cost_limit_period,
       cost_limit_action = excluded.cost_limit_action, updated_at = excluded.updated_at`,
    [provider, JSON.stringify(hardware), enabled, amount, period, action, now],
  );
}
