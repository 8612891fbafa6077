import { Injectable } from '@nestjs/common';
import type { Queryable } from '@lineclear/kit';

@Injectable()
export class ProviderNoticesRepo {
  /** True for the one caller who may tell of this provider in this stretch of time. */
  async mayTell(tx: Queryable, provider: string, everySeconds: number): Promise<boolean> {
    const rows = await tx.query(
      `insert into provider_notices as n (provider, told_at) values ($1, now())
       on conflict (provider) do update set told_at = now() where n.told_at <= now() - $2 * interval '1 second' returning 1`,
      [provider, everySeconds],
    );
    return rows.length > 0;
  }
}
