import type { Queryable } from '@lineclear/kit';
import { DEFAULT_POLICY, type ProviderPolicy } from '../domain/provider-policy.js';

export interface SetPolicy {
  readonly provider: string;
  readonly policy: ProviderPolicy;
  readonly updated_at: Date;
  readonly updated_by: number;
}

const COLUMNS = 'provider, policy, updated_at, updated_by';

export async function policyOf(on: Queryable, provider: string): Promise<ProviderPolicy> {
  const [row] = await on.query<{ policy: ProviderPolicy }>(
    'select policy from provider_policies where provider = $1',
    [provider],
  );
  return row?.policy ?? DEFAULT_POLICY;
}

export const listPolicies = (on: Queryable): Promise<SetPolicy[]> =>
  on.query(`select ${COLUMNS} from provider_policies order by provider`);

export async function setPolicy(
  on: Queryable,
  { provider, policy, updated_at, updated_by }: SetPolicy,
): Promise<void> {
  await on.query(
    `insert into provider_policies (${COLUMNS}) values ($1, $2, $3, $4)
     on conflict (provider) do update set policy = excluded.policy, updated_at = excluded.updated_at, updated_by = excluded.updated_by`,
    [provider, policy, updated_at, updated_by],
  );
}
