import { Injectable } from '@nestjs/common';
import type { Queryable } from '@lineclear/kit';

/** Buckets of accounts, shared by all replicas, as is the clock. */
@Injectable()
export class AccountRatesRepo {
  /** When the account's bucket is full (0 for always), and what time it is. */
  async read(db: Queryable, account: string): Promise<{ fullAtMs: number; nowMs: number }> {
    const [row] = await db.query<{ fullAtMs: number; nowMs: number }>(
      `select coalesce((select full_at_ms from account_rates where account = $1), 0) as "fullAtMs",
              extract(epoch from clock_timestamp())::float8 * 1000 as "nowMs"`,
      [account],
    );
    return row ?? { fullAtMs: 0, nowMs: 0 };
  }

  /** Writes it, if it is still what was read. */
  async swap(db: Queryable, account: string, from: number, to: number): Promise<boolean> {
    const rows = await db.query(
      `insert into account_rates as a (account, full_at_ms) values ($1, $3)
       on conflict (account) do update set full_at_ms = excluded.full_at_ms where a.full_at_ms = $2 returning 1`,
      [account, from, to],
    );
    return rows.length > 0;
  }
}
