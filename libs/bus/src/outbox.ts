import { LAZILY, type Database, type Tx } from '@lineclear/kit';
import type { OutboxMessage } from './messages.js';

/** A message in the outbox. */
export interface Waiting extends OutboxMessage {
  readonly place: number;
}

const MOVED_AT_ONCE = 5_000;

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
      `with out as (delete from outbox where id = any($1::bigint[]) and ${LAZILY} returning id, message_id, subject, body),
         kept as (insert into sent (id, message_id, subject, body) select id, message_id, subject, body from out)
       select id as place, message_id as id, subject, body from outbox where id <> all($1::bigint[]) order by outbox.id limit $2`,
      [out, limit],
    );
  }

  /** Puts everything that was sent back into the outbox, in the order in which it was there; how much it was. */
  async sendAgain(): Promise<number> {
    for (let total = 0; ;) {
      const rows = await this.database.query(
        `with again as (
           delete from sent where id in (select id from sent order by id limit ${MOVED_AT_ONCE}) returning id, message_id, subject, body)
         insert into outbox (message_id, subject, body) select message_id, subject, body from again order by id returning 1`,
      );
      total += rows.length;
      if (rows.length < MOVED_AT_ONCE) return total;
    }
  }

  /** Forgets what was sent, or handled, longer ago than it can be of use. */
  async purge(streamDays: number): Promise<void> {
    await this.database.query(`delete from sent where sent_at < now() - $1 * interval '1 day'`, [streamDays]);
    await this.database.query(`delete from inbox where processed_at < now() - $1 * interval '1 day'`, [
      streamDays + 1,
    ]);
  }
}
