import { Injectable } from '@nestjs/common';
import type { Queryable } from '@lineclear/kit';
import type { Lease } from './runs.repo.js';

export interface TakenSweep {
  readonly account: string;
  readonly provider: string;
  readonly failures: number;
}

/** Which accounts are listed when. Due times and leases are by the database's clock, which all replicas share. */
@Injectable()
export class SweepsRepo {
  /** Has these accounts swept so soon at the latest; one whose sweeps fail keeps its pause. */
  async plan(
    tx: Queryable,
    plans: readonly { account: string; provider: string; inMs: number }[],
  ): Promise<void> {
    await tx.query(
      // In one order, so that two transactions never wait for each other.
      `insert into sweeps as s (account, provider, next_at)
       select p.account, p.provider, now() + p.in_ms * interval '1 millisecond'
         from unnest($1::text[], $2::text[], $3::float8[]) as p(account, provider, in_ms) order by p.account
       on conflict (account) do update set next_at = excluded.next_at where s.failures = 0 and s.next_at > excluded.next_at`,
      [
        plans.map(({ account }) => account),
        plans.map(({ provider }) => provider),
        plans.map(({ inMs }) => inMs),
      ],
    );
  }

  /** Takes up to `limit` accounts of these providers that are due, each for one sweep. */
  async takeDue(
    db: Queryable,
    limit: number,
    { owner, ms }: Lease,
    providers: readonly string[],
  ): Promise<TakenSweep[]> {
    return db.query(
      `with due as (
         select account from sweeps
          where provider = any($4::text[]) and (lease_until <= now() or (lease_until is null and next_at <= now()))
          order by next_at limit $1 for update skip locked)
       update sweeps s set lease_owner = $2, lease_until = now() + $3 * interval '1 millisecond', next_at = 'infinity'
        where s.account = any(array(select account from due)) returning s.account, s.provider, s.failures`,
      [limit, owner, ms, providers],
    );
  }

  async renew(db: Queryable, accounts: readonly string[], { owner, ms }: Lease): Promise<void> {
    await db.query(
      `update sweeps set lease_until = now() + $3 * interval '1 millisecond' where account = any($1::text[]) and lease_owner = $2`,
      [accounts, owner, ms],
    );
  }

  /** A sweep is done: the next one is due then, or as soon as was wanted meanwhile. Without a time there is nothing to sweep for. */
  async done(db: Queryable, account: string, owner: string, inMs: number | undefined): Promise<void> {
    await db.query(
      `update sweeps set failures = 0, lease_owner = null, lease_until = null,
              next_at = least(next_at, coalesce(now() + $3 * interval '1 millisecond', 'infinity'))
        where account = $1 and lease_owner = $2`,
      [account, owner, inMs ?? null],
    );
  }

  /** A sweep could not be made: it is tried again then, whoever wants it sooner. */
  async postpone(
    db: Queryable,
    account: string,
    owner: string,
    { failures, inMs }: { failures: number; inMs: number },
  ): Promise<void> {
    await db.query(
      `update sweeps set failures = $3, lease_owner = null, lease_until = null, next_at = now() + $4 * interval '1 millisecond'
        where account = $1 and lease_owner = $2`,
      [account, owner, failures, inMs],
    );
  }
}
