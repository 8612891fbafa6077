import {
  Check,
  Column,
  Entity,
  Index,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  type MigrationInterface,
  type QueryRunner,
} from 'typeorm';

/** A message that is committed but not yet on the stream. */
@Entity('outbox')
export class OutboxRow {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'outbox_pk',
  })
  id: number;

  @Column('uuid')
  message_id: string;

  /** The NATS subject. */
  @Column('text')
  subject: string;

  /** Envelopes as JSON text: never looked into here, so not parsed by the database either. */
  @Column('text')
  body: string;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;
}

/** A message that the stream has, kept for as long as there: if the stream is ever lost, it is sent again. */
@Entity('sent')
export class SentRow {
  /** As it was in the outbox. */
  @PrimaryColumn('bigint', { primaryKeyConstraintName: 'sent_pk' })
  id: number;

  @Column('uuid')
  message_id: string;

  @Column('text')
  subject: string;

  @Column('text')
  body: string;

  /** As it was in the outbox, also when it is sent again. */
  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;

  @Column('timestamptz', { default: () => 'now()' })
  sent_at: Date;
}

/** The stream as the relay last saw it; one row. Another one, or one that has become shorter, has lost messages. */
@Entity('stream_seen')
@Check('stream_seen_one_row', 'id = 1')
export class StreamSeenRow {
  @PrimaryColumn('int4', { primaryKeyConstraintName: 'stream_seen_pk' })
  id: number;

  /** When the server made it, in the server's own words. */
  @Column('text')
  created: string;

  @Column('bigint')
  last_seq: number;

  /** The server's own name for its run: it has another after each start. */
  @Column('text')
  server: string;
}

/** A message whose effects are committed. A second delivery finds its row and does nothing. */
@Entity('inbox')
@Index('inbox_processed_at', ['processed_at'])
export class InboxRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'inbox_pk' })
  message_id: string;

  @Column('timestamptz', { default: () => 'now()' })
  processed_at: Date;
}

export const busEntities = [OutboxRow, SentRow, StreamSeenRow, InboxRow] as const;

class BusTables1767225600000 implements MigrationInterface {
  name = 'BusTables1767225600000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "outbox" (
      "id" bigint generated always as identity not null,
      "event_id" uuid not null,
      "subject" text not null,
      "body" text not null,
      "created_at" timestamptz not null default now(),
      constraint "outbox_pk" primary key ("id"))`);
    await runner.query(`create table "inbox" (
      "event_id" uuid not null,
      "processed_at" timestamptz not null default now(),
      constraint "inbox_pk" primary key ("event_id"))`);
    await runner.query(`create index "inbox_processed_at" on "inbox" ("processed_at")`);
    // Rows live for milliseconds: without early vacuuming, dead ones pile up at the end that the relay reads.
    await runner.query(
      `alter table "outbox" set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0)`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table "inbox"`);
    await runner.query(`drop table "outbox"`);
  }
}

/** Messages of several events, and what was sent kept for the day on which the stream is lost. */
class BusMessages1795528400000 implements MigrationInterface {
  name = 'BusMessages1795528400000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "outbox" rename column "event_id" to "message_id"`);
    await runner.query(`alter table "inbox" rename column "event_id" to "message_id"`);
    await runner.query(`create table "sent" (
      "id" bigint not null,
      "message_id" uuid not null,
      "subject" text not null,
      "body" text not null,
      "created_at" timestamptz not null default now(),
      "sent_at" timestamptz not null default now(),
      constraint "sent_pk" primary key ("id"))`);
    await runner.query(`create table "stream_seen" (
      "id" int4 not null,
      "created" text not null,
      "last_seq" bigint not null,
      "server" text not null,
      constraint "stream_seen_pk" primary key ("id"),
      constraint "stream_seen_one_row" check (id = 1))`);
    // A message of several events fills a page; taken apart and compressed it would cost more than its bytes.
    for (const table of ['outbox', 'sent'])
      await runner.query(`alter table "${table}" set (toast_tuple_target = 8160)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "outbox" reset (toast_tuple_target)`);
    await runner.query(`drop table "stream_seen"`);
    await runner.query(`drop table "sent"`);
    await runner.query(`alter table "inbox" rename column "message_id" to "event_id"`);
    await runner.query(`alter table "outbox" rename column "message_id" to "event_id"`);
  }
}

/** The tables of the bus, in every service's own database. First in each service's list of migrations. */
export const busMigrations = [BusTables1767225600000, BusMessages1795528400000] as const;
