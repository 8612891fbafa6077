import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { MailKind, Sender, Verdict } from '../domain/received-mail.js';
import { ChannelRow } from './channel.entity.js';

/** How far a folder of a mail account was read. */
@Entity('mailbox_cursor')
export class MailboxCursorRow {
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'mailbox_cursor_pk' })
  @ForeignKey(() => ChannelRow, { name: 'mailbox_cursor_channel_fk', onDelete: 'CASCADE' })
  channel_id: number;

  /** Account, server and folder. */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'mailbox_cursor_pk' })
  mailbox: string;

  @Column('bigint')
  uidvalidity: number;

  /** No mail with a UID up to this one is left to handle. */
  @Column('bigint')
  last_uid: number;

  /** When it was first read. What came before was handled by then, or is none of ours: under another UIDVALIDITY it is left alone. */
  @Column('timestamptz', { default: () => 'now()' })
  since: Date;
}

/** A mail that was handled, without its words and its token. It outlives its channel. */
@Entity('received_mail')
@Index('received_mail_once', ['channel_id', 'mailbox', 'uidvalidity', 'uid'], { unique: true })
@Index('received_mail_message', ['channel_id', 'message_id'], {
  unique: true,
  where: 'message_id is not null',
})
@Index('received_mail_at', ['at'])
export class ReceivedMailRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'received_mail_pk' })
  id: string;

  @Column('integer')
  channel_id: number;

  @Column('text')
  mailbox: string;

  @Column('bigint')
  uidvalidity: number;

  @Column('bigint')
  uid: number;

  @Column('text', { nullable: true })
  message_id: string | null;

  @Column('text', { nullable: true })
  from_address: string | null;

  @Column('text')
  kind: MailKind;

  @Column('text', { nullable: true })
  sender: Sender | null;

  @Column('text', { nullable: true })
  verdict: Verdict | null;

  @Column('text', { nullable: true })
  why: string | null;

  @Column('timestamptz', { default: () => 'now()' })
  at: Date;
}
