import type { Queryable } from '@lineclear/kit';
import type { PriceList } from '../domain/providers.js';

/** What is set for a provider over its configuration; undefined when nothing is. */
export async function of(db: Queryable, provider: string): Promise<PriceList | undefined> {
  const [row] = await db.query<{ hardware: PriceList }>(
    'select hardware from provider_config where provider = $1',
    [provider],
  );
  return row?.hardware;
}

export async function put(db: Queryable, provider: string, hardware: PriceList, now: Date): Promise<void> {
  await db.query(
    `insert into provider_config (provider, hardware, updated_at) values ($1, $2, $3)
     on conflict (provider) do update set hardware = excluded.hardware, updated_at = excluded.updated_at`,
    [provider, JSON.stringify(hardware), now],
  );
}
