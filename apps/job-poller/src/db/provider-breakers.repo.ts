import { Injectable } from '@nestjs/common';
import type { Queryable } from '@lineclear/kit';

export interface StoredBreaker {
  readonly provider: string;
  /** Null while it is closed. */
  readonly sinceMs: number | null;
  readonly probes: number;
  /** In how long it may be probed, by the database's clock. */
  readonly probeInMs: number;
  readonly restoredAt: Date | null;
}

/** Breakers of providers, as all replicas see them. */
@Injectable()
export class ProviderBreakersRepo {
  /** All that were ever open. */
  async all(db: Queryable): Promise<StoredBreaker[]> {
    return db.query(
      `select provider, extract(epoch from since)::float8 * 1000 as "sinceMs", probes, restored_at as "restoredAt",
              extract(epoch from probe_at - now())::float8 * 1000 as "probeInMs" from provider_breakers`,
    );
  }

  /** Opens a breaker; true for the one caller who did. */
  async open(tx: Queryable, provider: string, since: Date, probeInMs: number): Promise<boolean> {
    const rows = await tx.query(
      `insert into provider_breakers as b (provider, since, probe_at) values ($1, $2, now() + $3 * interval '1 millisecond')
       on conflict (provider) do update set since = excluded.since, probes = 0, probe_at = excluded.probe_at
        where b.since is null returning 1`,
      [provider, since, probeInMs],
    );
    return rows.length > 0;
  }

  /** True for the one caller who may probe now; the next probe is due `nextInMs` later, whatever becomes of this one. */
  async takeProbe(db: Queryable, provider: string, nextInMs: number): Promise<boolean> {
    const rows = await db.query(
      `update provider_breakers set probes = probes + 1, probe_at = now() + $2 * interval '1 millisecond'
        where provider = $1 and since is not null and probe_at <= now() returning 1`,
      [provider, nextInMs],
    );
    return rows.length > 0;
  }

  /** Closes a breaker; gives since when it was open, and when it closed, to the one caller who did. */
  async close(tx: Queryable, provider: string): Promise<{ since: Date; restoredAt: Date } | undefined> {
    const [row] = await tx.query<{ since: Date; restoredAt: Date }>(
      `update provider_breakers b set since = null, probes = 0, restored_at = now()
         from (select provider, since from provider_breakers where provider = $1 and since is not null for update) was
        where b.provider = was.provider returning was.since, b.restored_at as "restoredAt"`,
      [provider],
    );
    return row;
  }
}
