import type { Queryable } from '@lineclear/kit';
import type { PriceList } from '../domain/providers.js';

export async function all(db: Queryable): Promise<Map<string, PriceList>> {
  const rows = await db.query<{ provider: string; hardware: PriceList }>(
    'select provider, hardware from provider_config',
  );
  return new Map(rows.map(({ provider, hardware }) => [provider, hardware]));
}

export async function put(db: Queryable, provider: string, hardware: PriceList, now: Date): Promise<void> {
  await db.query(
    `insert into provider_config (provider, hardware, updated_at) values ($1, $2, $3)
     on conflict (provider) do update set hardware = excluded.hardware, updated_at = excluded.updated_at`,
    [provider, JSON.stringify(hardware), now],
  );
}
