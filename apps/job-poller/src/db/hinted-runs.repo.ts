import { Injectable } from '@nestjs/common';
import type { Queryable } from '@lineclear/kit';

/** What webhooks ask and write about runs. */
@Injectable()
export class HintedRunsRepo {
  /**
   * Has a run of this provider looked at now, or as soon as its last look is `gapMs` ago; after a step that is under way, since that
   * may have looked before. One whose looks fail keeps its pause. False where no such run goes on.
   */
  async hint(
    db: Queryable,
    provider: string,
    { externalId, runKey }: { externalId: string | null; runKey: string | null },
    gapMs: number,
  ): Promise<boolean> {
    const rows = await db.query(
      // Two by themselves: each has its index.
      `with hinted as (
         select id from runs where provider = $1 and external_id = $2 and next_action_at is not null
         union select id from runs where run_key = $3 and provider = $1 and next_action_at is not null)
       update runs r set listed_at = null, hinted = coalesce(r.lease_until > now(), false),
              next_action_at = case when r.lease_until > now() or r.failures > 0 or r.external_id is null then r.next_action_at
                else least(r.next_action_at, now() + $4 * interval '1 millisecond', greatest(now(), r.looked_at + $4 * interval '1 millisecond')) end
        where r.id = any(array(select id from hinted)) and r.state <> 'ended' returning 1`,
      [provider, externalId, runKey, gapMs],
    );
    return rows.length > 0;
  }

  /** Has all accounts of this provider swept that soon; one whose sweeps fail keeps its pause. False where there are none. */
  async hintAll(db: Queryable, provider: string, inMs: number): Promise<boolean> {
    const rows = await db.query(
      `update sweeps set next_at = case when failures = 0 then least(next_at, now() + $2 * interval '1 millisecond') else next_at end
        where provider = $1 and exists (select from runs r where r.account = sweeps.account and r.next_action_at is not null)
       returning 1`,
      [provider, inMs],
    );
    return rows.length > 0;
  }
}
