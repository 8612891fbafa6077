import {
  Column,
  Entity,
  Index,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  type MigrationInterface,
  type QueryRunner,
} from 'typeorm';

/** An event that is committed but not yet on the stream. The relay deletes it once the stream has it. */
@Entity('outbox')
export class OutboxRow {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'outbox_pk',
  })
  id: number;

  @Column('uuid')
  event_id: string;

  /** The NATS subject. */
  @Column('text')
  subject: string;

  /** The whole envelope as JSON text: never looked into here, so not parsed by the database either. */
  @Column('text')
  body: string;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;
}

/** An event whose effects are committed. A second delivery finds its row and does nothing. */
@Entity('inbox')
@Index('inbox_processed_at', ['processed_at'])
export class InboxRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'inbox_pk' })
  event_id: string;

  @Column('timestamptz', { default: () => 'now()' })
  processed_at: Date;
}

export const busEntities = [OutboxRow, InboxRow] as const;

/** The two tables of the bus, in every service's own database. First in each service's list of migrations. */
export class BusTables1767225600000 implements MigrationInterface {
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
