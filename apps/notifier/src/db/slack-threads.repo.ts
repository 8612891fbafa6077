import type { Queryable } from '@lineclear/kit';

export interface ThreadKey {
  readonly channelId: number;
  readonly slackChannel: string;
  readonly jobId: string;
}
/** As whom a message comes to its job's thread: to one that is there, to open it, or too early, as another opens it. */
export type Entered = { readonly as: 'reply'; readonly ts: string } | { readonly as: 'opener' | 'other' };

const KEY = 'channel_id = $1 and slack_channel = $2 and job_id = $3';
const valuesOf = ({ channelId, slackChannel, jobId }: ThreadKey) => [channelId, slackChannel, jobId];

/** Of many that come at once to a thread that is not there, one is its opener, for so long. */
export async function enterThread(
  on: Queryable,
  key: ThreadKey,
  opener: string,
  leaseSeconds: number,
): Promise<Entered> {
  const opened = await on.query(
    `insert into slack_thread as t (channel_id, slack_channel, job_id, opener, opening_until)
     values ($1, $2, $3, $4, clock_timestamp() + $5::float8 * interval '1 second')
     on conflict (channel_id, slack_channel, job_id) do update
       set opener = excluded.opener, opening_until = excluded.opening_until
       where t.ts is null and t.opening_until <= clock_timestamp()
     returning job_id`,
    [...valuesOf(key), opener, leaseSeconds],
  );
  if (opened.length > 0) return { as: 'opener' };
  const [row] = await on.query<{ ts: string | null }>(
    `select ts from slack_thread where ${KEY}`,
    valuesOf(key),
  );
  return row?.ts ? { as: 'reply', ts: row.ts } : { as: 'other' };
}

/** The thread is there now. */
export async function keepThread(on: Queryable, key: ThreadKey, opener: string, ts: string): Promise<void> {
  await on.query(`update slack_thread set ts = $5 where ${KEY} and opener = $4 and ts is null`, [
    ...valuesOf(key),
    opener,
    ts,
  ]);
}

/** It was not opened: another may. */
export async function leaveThread(on: Queryable, key: ThreadKey, opener: string): Promise<void> {
  await on.query(
    `update slack_thread set opening_until = clock_timestamp() where ${KEY} and opener = $4 and ts is null`,
    [...valuesOf(key), opener],
  );
}

export async function forgetThread(on: Queryable, key: ThreadKey, ts: string): Promise<void> {
  await on.query(`delete from slack_thread where ${KEY} and ts = $4`, [...valuesOf(key), ts]);
}

export async function forgetOldThreads(on: Queryable, days: number, limit: number): Promise<number> {
  const rows = await on.query(
    `delete from slack_thread where ctid in (
       select ctid from slack_thread where created_at < now() - $1::int * interval '1 day' limit $2)
     returning job_id`,
    [days, limit],
  );
  return rows.length;
}
