import { LAZILY, type Database, type Tx } from '@lineclear/kit';
import type { OutboxMessage } from './messages.js';
import { EVENT_RETENTION_DAYS } from './streams.js';

/** A message in the outbox. */
export interface Waiting extends OutboxMessage {
  readonly place: number;
}

// What is as old as the stream keeps it may be sent again, and is then kept for as long once more.
const INBOX_DAYS = 2 * EVENT_RETENTION_DAYS + 1;
// They may be large, and a statement has half a minute.
const MOVED_AT_ONCE = 500;
const FORGOTTEN_AT_ONCE = 1_000;

/** Messages on their way out, and those that are out: each statement about either. */
export class Outbox {
  constructor(private readonly database: Database) {}

  async add(tx: Tx, messages: readonly OutboxMessage[]): Promise<void> {
    await tx.query(
      `insert into outbox (message_id, subject, body)
       select m.id, m.subject, m.body from unnest($1::uuid[], $2::text[], $3::text[]) with ordinality as m(id, subject, body, position) order by position`,
      [
        messages.map(({ id }) => id),
        messages.map(({ subject }) => subject),
        messages.map(({ body }) => body),
      ],
    );
  }

  /** Puts away what the stream has by now, and reads what waits, in order. */
  async next(out: readonly number[], limit: number): Promise<Waiting[]> {
    return this.database.query<Waiting>(
      // Not waited for on the disk: what a crash brings back is sent again, and known by its id.
      `with out as (delete from outbox where id = any($1::bigint[]) and ${LAZILY} returning id, message_id, subject, body, created_at),
         kept as (insert into sent (id, message_id, subject, body, created_at) select id, message_id, subject, body, created_at from out)
       select id as place, message_id as id, subject, body from outbox where id <> all($1::bigint[]) order by outbox.id limit $2`,
      [out, limit],
    );
  }

  /**
   * Puts what was sent back into the outbox, in the order in which it was there: everything, or what left within so many
   * seconds of the last. How much it was.
   */
  async sendAgain(seconds?: number): Promise<number> {
    const after = seconds === undefined ? 0 : await this.#lastBefore(seconds);
    for (let total = 0; ;) {
      const [moved] = await this.database.query<{ taken: number; given: number }>(
        // The age goes with it. At twice that age, inboxes no longer know it.
        `with again as (
           delete from sent where id in (select id from sent where id > $1 order by id limit ${MOVED_AT_ONCE})
           returning id, message_id, subject, body, created_at),
         given as (
           insert into outbox (message_id, subject, body, created_at)
           select message_id, subject, body, created_at from again
            where created_at > now() - $2 * interval '1 day' order by id returning 1)
         select (select count(*) from again) as taken, (select count(*) from given) as given`,
        [after, EVENT_RETENTION_DAYS],
      );
      total += moved?.given ?? 0;
      if (!moved || moved.taken < MOVED_AT_ONCE) return total;
    }
  }

  /** The place of the last message that left more than so many seconds before the newest. */
  async #lastBefore(seconds: number): Promise<number> {
    const [row] = await this.database.query<{ id: number }>(
      `select id from sent where sent_at + $1 * interval '1 second' < (select sent_at from sent order by id desc limit 1)
        order by id desc limit 1`,
      [seconds],
    );
    return row?.id ?? 0;
  }

  /** Forgets some of what was sent, or handled, longer ago than it can be of use; true when there may be more. */
  async purge(): Promise<boolean> {
    const sent = await this.database.query(
      `delete from sent where id in (select id from sent order by id limit ${FORGOTTEN_AT_ONCE})
          and sent_at < now() - $1 * interval '1 day' returning 1`,
      [EVENT_RETENTION_DAYS],
    );
    const handled = await this.database.query(
      `delete from inbox where message_id in (
         select message_id from inbox where processed_at < now() - $1 * interval '1 day'
          order by processed_at limit ${FORGOTTEN_AT_ONCE}) returning 1`,
      [INBOX_DAYS],
    );
    return Math.max(sent.length, handled.length) === FORGOTTEN_AT_ONCE;
  }
}
