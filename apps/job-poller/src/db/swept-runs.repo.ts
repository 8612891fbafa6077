import { Injectable } from '@nestjs/common';
import type { Queryable } from '@lineclear/kit';
import type { Run } from '../domain/run.js';
import type { SweptRun } from '../domain/sweep.js';
import { COLUMNS, selectList } from './run-columns.js';

const SWEPT: ReadonlySet<string> = new Set<keyof SweptRun>([
  'id',
  'externalId',
  'state',
  'remoteState',
  'missingCount',
  'startedAt',
  'runningSince',
]);
const SWEPT_RUN = selectList(
  'r',
  COLUMNS.filter(([property]) => SWEPT.has(property)),
);
const RUN = selectList('r', COLUMNS);
// A run whose step is under way is told by that step.
const IS_AT_REST = `(lease_until is null or lease_until <= now()) and state in ('active', 'cancelling')`;

/** What sweeps ask and write about the runs of an account. */
@Injectable()
export class SweptRunsRepo {
  /** All runs of an account that go on. */
  async of(db: Queryable, account: string): Promise<SweptRun[]> {
    return db.query(
      `select ${SWEPT_RUN} from runs r where account = $1 and next_action_at is not null and state in ('active', 'cancelling')`,
      [account],
    );
  }

  /** Which of these names of a provider's are of runs that are or were ours. */
  async known(db: Queryable, provider: string, externalIds: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await db.query<{ id: string }>(
      'select external_id as id from runs where provider = $1 and external_id = any($2::text[])',
      [provider, externalIds],
    );
    return new Set(rows.map(({ id }) => id));
  }

  async get(db: Queryable, id: string): Promise<Run | undefined> {
    const [run] = await db.query<Run>(`select ${RUN} from runs r where id = $1`, [id]);
    return run;
  }

  /**
   * Notes that these runs were listed as they are known, where that was not noted for so long: sweeps may be many, and a row is
   * costlier than a line of a list. Rows that a step has in hand are left to it: nobody waits.
   */
  async touch(db: Queryable, ids: readonly string[], everyMs: number): Promise<void> {
    await db.query(
      `with listed as (select id from runs where id = any($1::uuid[]) and ${IS_AT_REST}
                          and (listed_at is null or listed_at <= now() - $2 * interval '1 millisecond') for update skip locked)
       update runs r set last_observed_at = now(), listed_at = now() where r.id = any(array(select id from listed))`,
      [ids, everyMs],
    );
  }

  /** Makes a look of its own due at once for each of these runs. One whose looks fail keeps its pause. */
  async hint(db: Queryable, ids: readonly string[]): Promise<void> {
    await db.query(
      `with hinted as (select id from runs where id = any($1::uuid[]) and ${IS_AT_REST} and failures = 0 for update skip locked)
       update runs r set next_action_at = least(next_action_at, now()), listed_at = null where r.id = any(array(select id from hinted))`,
      [ids],
    );
  }
}
