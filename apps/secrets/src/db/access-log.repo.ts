import type { Queryable } from '@lineclear/kit';

/** On whose behalf names were asked for. */
export interface AskedFor {
  readonly askedBy: string;
  readonly purpose: string;
  readonly jobId?: string;
  readonly attempt?: number;
  readonly userId?: number;
  readonly provider?: string;
  readonly channelId?: number;
}

export interface AskedName {
  readonly name: string;
  readonly outcome: 'released' | 'missing' | 'withheld' | 'refused';
  readonly source: string | null;
  readonly scope: string | null;
  readonly version: number | null;
}

export async function noteAccess(
  on: Queryable,
  at: Date,
  asked: AskedFor,
  names: readonly AskedName[],
): Promise<void> {
  await on.query(
    `insert into access_log (at, asked_by, purpose, job_id, attempt, user_id, provider, channel_id, name, outcome, source, scope, version)
     select $1::timestamptz, $2, $3, $4, $5::integer, $6::integer, $7, $8::integer, n.* from unnest($9::text[], $10::text[], $11::text[], $12::text[], $13::integer[]) as n`,
    [
      at,
      asked.askedBy,
      asked.purpose,
      asked.jobId ?? null,
      asked.attempt ?? null,
      asked.userId ?? null,
      asked.provider ?? null,
      asked.channelId ?? null,
      names.map(({ name }) => name),
      names.map(({ outcome }) => outcome),
      names.map(({ source }) => source),
      names.map(({ scope }) => scope),
      names.map(({ version }) => version),
    ],
  );
}

/** Forgets up to `limit` lines from before; how many. */
export async function forgetAccess(on: Queryable, before: Date, limit: number): Promise<number> {
  const rows = await on.query(
    'delete from access_log where id in (select id from access_log where at < $1 order by at limit $2) returning id',
    [before, limit],
  );
  return rows.length;
}
