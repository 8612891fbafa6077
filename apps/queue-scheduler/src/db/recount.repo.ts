import type { Queryable, Tx } from '@lineclear/kit';
import type { Counter } from './counters.js';

/** What a counter said, and what the jobs say. */
export interface Difference {
  readonly of: string;
  readonly kept: Readonly<Record<string, number>>;
  readonly counted: Readonly<Record<string, number>>;
}

// $1 is used by all, as a statement must use the parameters that it is given.
const list = `select of, kept, counted from diff where $1::timestamptz is not null order by of`;

/** Counts anew. It is one statement, which sees jobs and counters as they were at one moment: it holds up nobody. */
export async function differences(db: Queryable, { diff }: Counter, since: Date): Promise<Difference[]> {
  return db.query<Difference>(`with ${diff} ${list}`, [since]);
}

/** Counts anew and writes what was counted, in a transaction that has entered; what was wrong. */
export async function repair(tx: Tx, { diff, fix }: Counter, since: Date): Promise<Difference[]> {
  return tx.query<Difference>(`with ${diff}, fixed as (${fix}) ${list}`, [since]);
}
