import type { Queryable, Tx } from '@lineclear/kit';
import type { Channel, ChannelType, WebhookChannel } from '../domain/channel.js';
import type { ChannelRow } from './channel.entity.js';
import { channelOf } from './channel-of.js';
import { insertEndpoint } from './endpoints.repo.js';

/** An id for a channel that is not stored yet: its secret is kept under it first. */
export async function newChannelId(on: Queryable): Promise<number> {
  const [row] = await on.query<{ id: number }>(
    `select nextval(pg_get_serial_sequence('channel', 'id'))::int as id`,
  );
  return row!.id;
}

export type NewChannel = Pick<Channel, 'id' | 'type' | 'name' | 'isEnabled' | 'settings' | 'hasSecret'>;

export async function insertChannel(tx: Tx, channel: NewChannel): Promise<Channel> {
  const [row] = await tx.query<ChannelRow>(
    `insert into channel (id, channel_type, name, is_enabled, settings, has_secret, disabled_at)
     values ($1, $2, $3, $4, $5::jsonb, $6, case when $4 then null else now() end) returning *`,
    [
      channel.id,
      channel.type,
      channel.name,
      channel.isEnabled,
      JSON.stringify(channel.settings),
      channel.hasSecret,
    ],
  );
  await insertEndpoint(tx, channel.id);
  return channelOf(row!);
}

export async function findChannel(on: Queryable, id: number): Promise<Channel | undefined> {
  const [row] = await on.query<ChannelRow>('select * from channel where id = $1', [id]);
  return row && channelOf(row);
}

const EMAIL = `select * from channel where channel_type = 'email' and is_enabled`;

/** What leads to people's own mailboxes, the way there first that is taken where nobody chose. */
export async function openChannels(on: Queryable): Promise<Channel[]> {
  return (await on.query<ChannelRow>(`${EMAIL} order by id`)).map(channelOf);
}

/** The way to people's own mailboxes. */
export async function firstEmailChannel(on: Queryable): Promise<Channel | undefined> {
  const [row] = await on.query<ChannelRow>(`${EMAIL} order by id limit 1`);
  return row && channelOf(row);
}

/** The same for what people may answer: one whose mailbox is read goes first, then one that answers come back to at all. */
export async function answerableEmailChannel(on: Queryable): Promise<Channel | undefined> {
  const [row] = await on.query<ChannelRow>(
    `${EMAIL} order by not settings @> '{"mailbox":{"isEnabled":true}}', settings ->> 'replyTo' is null, id limit 1`,
  );
  return row && channelOf(row);
}

/** The channel, which nobody else changes until the transaction ends. */
export async function lockChannel(tx: Tx, id: number): Promise<Channel | undefined> {
  const [row] = await tx.query<ChannelRow>('select * from channel where id = $1 for update', [id]);
  return row && channelOf(row);
}

export async function updateChannel(
  tx: Tx,
  channel: NewChannel & Pick<Channel, 'disabledReason'>,
): Promise<Channel> {
  const [row] = await tx.query<ChannelRow>(
    `update channel set name = $2, is_enabled = $3, disabled_reason = $4, settings = $5::jsonb, has_secret = $6,
       disabled_at = case when $3 then null else coalesce(disabled_at, clock_timestamp()) end,
       updated_at = clock_timestamp()
     where id = $1 returning *`,
    [
      channel.id,
      channel.name,
      channel.isEnabled,
      channel.disabledReason,
      JSON.stringify(channel.settings),
      channel.hasSecret,
    ],
  );
  return channelOf(row!);
}

/** Switches a channel off, because of its receiver; false when it is off, or has another receiver, already. */
export async function switchOff(
  tx: Tx,
  { id, settings }: Pick<Channel, 'id' | 'settings'>,
  reason: string,
): Promise<boolean> {
  const rows = await tx.query(
    `update channel set is_enabled = false, disabled_reason = $2, disabled_at = clock_timestamp(),
       updated_at = clock_timestamp()
     where id = $1 and is_enabled and settings = $3::jsonb returning id`,
    [id, reason, JSON.stringify(settings)],
  );
  return rows.length > 0;
}

/** Webhooks whose keys before the present ones sign no more and are still kept. */
export async function channelsWithEndedKeys(
  on: Queryable,
  now: Date,
  limit: number,
): Promise<WebhookChannel[]> {
  const rows = await on.query<ChannelRow>(
    `select * from channel where channel_type = 'webhook'
       and (settings->'keys'->'previous'->>'endsAt')::timestamptz <= $1::timestamptz order by id limit $2`,
    [now, limit],
  );
  return rows.map((row) => channelOf(row) as WebhookChannel);
}

export async function deleteChannel(tx: Tx, id: number): Promise<boolean> {
  return (await tx.query('delete from channel where id = $1 returning id', [id])).length > 0;
}

export async function listChannels(on: Queryable, limit: number, after: number): Promise<Channel[]> {
  const rows = await on.query<ChannelRow>('select * from channel where id > $2 order by id limit $1', [
    limit,
    after,
  ]);
  return rows.map(channelOf);
}

export interface ChannelCounts {
  readonly total: number;
  readonly enabled: number;
  readonly byType: Partial<Record<ChannelType, number>>;
}

export async function countChannels(on: Queryable): Promise<ChannelCounts> {
  const rows = await on.query<{ channel_type: ChannelType; total: number; enabled: number }>(
    'select channel_type, count(*) as total, count(*) filter (where is_enabled) as enabled from channel group by channel_type',
  );
  const sum = (numbers: number[]): number => numbers.reduce((a, b) => a + b, 0);
  return {
    total: sum(rows.map((row) => row.total)),
    enabled: sum(rows.map((row) => row.enabled)),
    byType: Object.fromEntries(rows.map((row) => [row.channel_type, row.total])),
  };
}
