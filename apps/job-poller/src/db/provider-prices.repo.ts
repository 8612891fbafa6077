import { Injectable } from '@nestjs/common';
import type { ListedPrice } from '@lineclear/contracts';
import type { Queryable } from '@lineclear/kit';

export interface StoredPrices {
  readonly hardware: Readonly<Record<string, ListedPrice>>;
  readonly readAt: Date;
}

/** Price lists of providers, as all replicas see them. */
@Injectable()
export class ProviderPricesRepo {
  /** True for the one caller who is to read this list now; whatever becomes of that, the next is due `nextInMs` later. */
  async takeDue(db: Queryable, provider: string, nextInMs: number): Promise<boolean> {
    const rows = await db.query(
      `insert into provider_prices as p (provider, next_at) values ($1, now() + $2 * interval '1 millisecond')
       on conflict (provider) do update set next_at = excluded.next_at where p.next_at <= now() returning 1`,
      [provider, nextInMs],
    );
    return rows.length > 0;
  }

  async store(
    db: Queryable,
    provider: string,
    hardware: StoredPrices['hardware'],
    nextInMs: number,
  ): Promise<void> {
    await db.query(
      `update provider_prices set hardware = $2, read_at = now(), next_at = now() + $3 * interval '1 millisecond' where provider = $1`,
      [provider, JSON.stringify(hardware), nextInMs],
    );
  }

  async postpone(db: Queryable, provider: string, inMs: number): Promise<void> {
    await db.query(
      `update provider_prices set next_at = now() + $2 * interval '1 millisecond' where provider = $1`,
      [provider, inMs],
    );
  }

  async of(db: Queryable, provider: string): Promise<StoredPrices | undefined> {
    const [row] = await db.query<StoredPrices>(
      `select hardware, read_at as "readAt" from provider_prices where provider = $1 and read_at is not null`,
      [provider],
    );
    return row;
  }
}
