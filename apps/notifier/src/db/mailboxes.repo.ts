import type { Queryable, Tx } from '@lineclear/kit';
import type { EmailChannel } from '../domain/channel.js';
import { openMailboxOf } from '../domain/mailbox-settings.js';
import { channelOf } from './channel-of.js';
import type { ChannelRow } from './channel.entity.js';
import type { MailboxCursorRow, ReceivedMailRow } from './mailbox.entity.js';

/** The folder that a UID belongs to. */
export interface Place {
  readonly channelId: number;
  readonly mailbox: string;
  readonly uidValidity: number;
}

/** The channels whose mailbox is to be read. */
export async function channelsToRead(on: Queryable): Promise<EmailChannel[]> {
  const rows = await on.query<ChannelRow>(
    `select * from channel where channel_type = 'email' and is_enabled and settings @> '{"mailbox":{"isEnabled":true}}'
     order by id`,
  );
  return rows
    .map((row) => channelOf(row) as EmailChannel)
    .filter(({ settings }) => openMailboxOf(settings) !== undefined);
}

/** Whether nobody read the folder yet. */
export async function isNew(on: Queryable, { channelId, mailbox }: Place): Promise<boolean> {
  const found = await on.query('select 1 from mailbox_cursor where channel_id = $1 and mailbox = $2', [
    channelId,
    mailbox,
  ]);
  return found.length === 0;
}

/**
 * Where to go on reading: behind `lastUid` when the folder is read for the first time; under another UIDVALIDITY all that came
 * since then is looked at once more.
 */
export async function openCursor(
  on: Queryable,
  { channelId, mailbox, uidValidity }: Place,
  lastUid: number,
): Promise<Pick<MailboxCursorRow, 'last_uid' | 'since'>> {
  const [row] = await on.query<MailboxCursorRow>(
    `insert into mailbox_cursor as c (channel_id, mailbox, uidvalidity, last_uid) values ($1, $2, $3, $4)
     on conflict (channel_id, mailbox) do update set uidvalidity = excluded.uidvalidity,
       last_uid = case when c.uidvalidity = excluded.uidvalidity then c.last_uid else 0 end
     returning last_uid, since`,
    [channelId, mailbox, uidValidity, lastUid],
  );
  return row!;
}

export async function advanceCursor(
  on: Queryable,
  { channelId, mailbox, uidValidity }: Place,
  lastUid: number,
): Promise<void> {
  await on.query(
    `update mailbox_cursor set last_uid = $4
     where channel_id = $1 and mailbox = $2 and uidvalidity = $3 and last_uid < $4`,
    [channelId, mailbox, uidValidity, lastUid],
  );
}

/** Which of these mails somebody handled already. */
export async function handledUids(
  on: Queryable,
  { channelId, mailbox, uidValidity }: Place,
  uids: readonly number[],
): Promise<Set<number>> {
  const rows = await on.query<{ uid: number }>(
    `select uid from received_mail where channel_id = $1 and mailbox = $2 and uidvalidity = $3 and uid = any($4)`,
    [channelId, mailbox, uidValidity, uids],
  );
  return new Set(rows.map((row) => row.uid));
}

export type NewReceivedMail = Pick<
  ReceivedMailRow,
  'id' | 'uid' | 'message_id' | 'from_address' | 'kind' | 'sender' | 'verdict' | 'why'
>;

/** Writes a mail down; false when this mail, or one with its Message-ID, is written down already. */
export async function insertReceived(tx: Tx, place: Place, mail: NewReceivedMail): Promise<boolean> {
  const rows = await tx.query(
    `insert into received_mail
       (id, channel_id, mailbox, uidvalidity, uid, message_id, from_address, kind, sender, verdict, why)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing returning id`,
    [
      mail.id,
      place.channelId,
      place.mailbox,
      place.uidValidity,
      mail.uid,
      mail.message_id,
      mail.from_address,
      mail.kind,
      mail.sender,
      mail.verdict,
      mail.why,
    ],
  );
  return rows.length > 0;
}

/** Received mails, newest first, those below `before` if it is given. */
export async function listReceived(
  on: Queryable,
  limit: number,
  before: string | null,
): Promise<ReceivedMailRow[]> {
  return on.query<ReceivedMailRow>(
    'select * from received_mail where $2::uuid is null or id < $2 order by id desc limit $1',
    [limit, before],
  );
}

export async function countReceived(on: Queryable): Promise<number> {
  const [row] = await on.query<{ total: number }>('select count(*) as total from received_mail');
  return row?.total ?? 0;
}

/** Forgets mails of more than `days` ago, at most `limit` at a time. */
export async function forgetReceived(on: Queryable, days: number, limit: number): Promise<number> {
  const rows = await on.query(
    `delete from received_mail where id in (
       select id from received_mail where at < now() - $1 * interval '1 day' order by at limit $2) returning id`,
    [days, limit],
  );
  return rows.length;
}
