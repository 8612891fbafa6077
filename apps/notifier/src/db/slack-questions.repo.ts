import type { Queryable, Tx } from '@lineclear/kit';
import type { Outcome } from '../domain/slack-approval.js';
import type { SlackQuestionRow } from './slack-approval.entity.js';

export interface NewQuestion {
  readonly deliveryId: string;
  readonly channelId: number;
  readonly approvalId: string;
  readonly jobId: string;
  readonly slackChannel: string;
  readonly body: string;
}

/** Before it is sent: its buttons may be pressed before it is known that it was. */
export async function insertQuestion(on: Queryable, question: NewQuestion): Promise<void> {
  const { deliveryId, channelId, approvalId, jobId, slackChannel, body } = question;
  await on.query(
    `insert into slack_question (delivery_id, channel_id, approval_id, job_id, slack_channel, body)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (delivery_id) do update set slack_channel = excluded.slack_channel`,
    [deliveryId, channelId, approvalId, jobId, slackChannel, body],
  );
}

/** Where it is in Slack now. */
export async function keepQuestion(on: Queryable, deliveryId: string, ts: string): Promise<void> {
  await on.query(
    'update slack_question set ts = $2, is_over = false, next_try_at = now() where delivery_id = $1',
    [deliveryId, ts],
  );
}

export async function findQuestion(
  on: Queryable,
  channelId: number,
  approvalId: string,
): Promise<SlackQuestionRow | undefined> {
  const [row] = await on.query<SlackQuestionRow>(
    'select * from slack_question where channel_id = $1 and approval_id = $2 order by created_at desc limit 1',
    [channelId, approvalId],
  );
  return row;
}

/** How requests ended, where anybody in Slack may be asked at all. */
export async function insertOutcomes(
  tx: Tx,
  outcomes: readonly { readonly approvalId: string; readonly outcome: Outcome }[],
): Promise<void> {
  await tx.query(
    `insert into slack_outcome (approval_id, outcome)
     select (o->>'approvalId')::uuid, o->'outcome' from jsonb_array_elements($1::jsonb) o
     where exists (select 1 from channel where channel_type = 'slack' and settings ? 'slackChannel')
     on conflict (approval_id) do nothing`,
    [JSON.stringify(outcomes)],
  );
}

export type EndedQuestion = SlackQuestionRow & { readonly outcome: Outcome };

/** Takes messages that do not show yet how their request ended; another replica gets others, for so long. */
export async function takeEnded(
  on: Queryable,
  limit: number,
  leaseSeconds: number,
): Promise<EndedQuestion[]> {
  return on.query<EndedQuestion>(
    `update slack_question q set next_try_at = clock_timestamp() + $2::float8 * interval '1 second'
     from (
       select q.delivery_id, o.outcome
       from slack_question q join slack_outcome o on o.approval_id = q.approval_id
       where not q.is_over and q.ts is not null and q.next_try_at <= clock_timestamp()
       order by q.next_try_at limit $1 for update of q skip locked) due
     where q.delivery_id = due.delivery_id
     returning q.*, due.outcome`,
    [limit, leaseSeconds],
  );
}

/** Nothing is left to do about this message; one that was sent once more meanwhile is another. */
export async function endQuestion(on: Queryable, { delivery_id, ts }: SlackQuestionRow): Promise<void> {
  await on.query('update slack_question set is_over = true where delivery_id = $1 and ts = $2', [
    delivery_id,
    ts,
  ]);
}

export async function tryAgain(
  on: Queryable,
  { delivery_id }: SlackQuestionRow,
  waitSeconds: number,
): Promise<void> {
  await on.query(
    `update slack_question set next_try_at = clock_timestamp() + $2::float8 * interval '1 second'
     where delivery_id = $1`,
    [delivery_id, waitSeconds],
  );
}

const forgetOld =
  (table: 'slack_question' | 'slack_outcome') =>
  async (on: Queryable, days: number, limit: number): Promise<number> => {
    const rows = await on.query(
      `delete from ${table} where ctid in (
         select ctid from ${table} where created_at < now() - $1::int * interval '1 day' limit $2)
       returning approval_id`,
      [days, limit],
    );
    return rows.length;
  };
export const forgetOldQuestions = forgetOld('slack_question');
export const forgetOldOutcomes = forgetOld('slack_outcome');
