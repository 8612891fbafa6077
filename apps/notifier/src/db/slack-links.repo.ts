import type { Queryable, Tx } from '@lineclear/kit';
import type { SlackPerson } from '../domain/slack-interaction.js';
import type { SlackLinkCodeRow, SlackLinkRow } from './slack-link.entity.js';

/** Longer than a signature is believed in. */
const SEEN_MINUTES = 15;

/** False when these bytes came before. */
export async function isFirstTime(on: Queryable, signature: string): Promise<boolean> {
  const rows = await on.query(
    'insert into slack_seen (signature) values ($1) on conflict (signature) do nothing returning signature',
    [signature],
  );
  return rows.length > 0;
}

/** Whom of ours somebody in Slack is, as this channel knows them. */
export async function linkedUser(
  on: Queryable,
  channelId: number,
  { teamId, slackUserId }: SlackPerson,
): Promise<number | undefined> {
  const [row] = await on.query<{ user_id: number }>(
    'select user_id from slack_link where channel_id = $1 and team_id = $2 and slack_user_id = $3',
    [channelId, teamId, slackUserId],
  );
  return row?.user_id;
}

/** The one before it is worth nothing any more. */
export async function keepCode(
  on: Queryable,
  channelId: number,
  { teamId, slackUserId, name }: SlackPerson,
  sha256: string,
  expiresAt: Date,
): Promise<void> {
  await on.query(
    `insert into slack_link_code (channel_id, team_id, slack_user_id, slack_name, code_sha256, expires_at)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (channel_id, team_id, slack_user_id) do update
       set slack_name = excluded.slack_name, code_sha256 = excluded.code_sha256, expires_at = excluded.expires_at`,
    [channelId, teamId, slackUserId, name, sha256, expiresAt],
  );
}

/** Whose code it is, once. */
export async function spendCode(tx: Tx, sha256: string, now: Date): Promise<SlackLinkCodeRow | undefined> {
  const [row] = await tx.query<SlackLinkCodeRow>(
    'delete from slack_link_code where code_sha256 = $1 and expires_at > $2 returning *',
    [sha256, now],
  );
  return row;
}

export async function insertLink(tx: Tx, whose: SlackLinkCodeRow, userId: number): Promise<SlackLinkRow> {
  const [row] = await tx.query<SlackLinkRow>(
    `insert into slack_link (channel_id, team_id, slack_user_id, slack_name, user_id) values ($1, $2, $3, $4, $5)
     on conflict (channel_id, team_id, slack_user_id) do update
       set slack_name = excluded.slack_name, user_id = excluded.user_id, created_at = now()
     returning *`,
    [whose.channel_id, whose.team_id, whose.slack_user_id, whose.slack_name, userId],
  );
  return row!;
}

export async function linksOf(
  on: Queryable,
  userId: number,
  limit: number,
  after: number,
): Promise<SlackLinkRow[]> {
  return on.query<SlackLinkRow>(
    'select * from slack_link where user_id = $1 and id > $3 order by id limit $2',
    [userId, limit, after],
  );
}

export async function countLinks(on: Queryable, userId: number): Promise<number> {
  const [row] = await on.query<{ total: number }>(
    'select count(*) as total from slack_link where user_id = $1',
    [userId],
  );
  return row?.total ?? 0;
}

export async function deleteLink(tx: Tx, userId: number, id: number): Promise<SlackLinkRow | undefined> {
  const [row] = await tx.query<SlackLinkRow>(
    'delete from slack_link where user_id = $1 and id = $2 returning *',
    [userId, id],
  );
  return row;
}

/** Whoever knows what Slack signs with can press as anybody who is linked: nobody is, to another such secret. */
export async function forgetLinks(tx: Tx, channelId: number): Promise<void> {
  await tx.query('delete from slack_link_code where channel_id = $1', [channelId]);
  await tx.query('delete from slack_link where channel_id = $1', [channelId]);
}

export async function forgetShortLived(on: Queryable): Promise<void> {
  await on.query(`delete from slack_seen where at < now() - ${SEEN_MINUTES} * interval '1 minute'`);
  await on.query('delete from slack_link_code where expires_at < now()');
}
