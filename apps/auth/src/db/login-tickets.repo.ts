import type { Queryable, Tx } from '@lineclear/kit';

export interface Ticket {
  readonly user_id: number;
  readonly password_sha256: string;
  readonly remember_me: boolean;
  readonly expires_at: Date;
}

export async function insert(
  on: Queryable,
  ticket: Ticket & { readonly ticket_sha256: string },
): Promise<void> {
  await on.query(
    `insert into login_tickets (ticket_sha256, user_id, password_sha256, remember_me, expires_at)
     values ($1, $2, $3, $4, $5)`,
    [ticket.ticket_sha256, ticket.user_id, ticket.password_sha256, ticket.remember_me, ticket.expires_at],
  );
}

const GOOD = 'ticket_sha256 = $1 and expires_at > $2 and attempts < $3';
const TICKET = 'user_id, password_sha256, remember_me, expires_at';

export async function find(
  on: Queryable,
  sha256: string,
  maxAttempts: number,
  now: Date,
): Promise<Ticket | undefined> {
  const [row] = await on.query<Ticket>(`select ${TICKET} from login_tickets where ${GOOD}`, [
    sha256,
    now,
    maxAttempts,
  ]);
  return row;
}

/** A try with a ticket, counted before it is judged: tries sent all at once are as many as tries one by one. */
export async function takeAttempt(
  on: Queryable,
  sha256: string,
  maxAttempts: number,
  now: Date,
): Promise<Ticket | undefined> {
  const [row] = await on.query<Ticket>(
    `update login_tickets set attempts = attempts + 1 where ${GOOD} returning ${TICKET}`,
    [sha256, now, maxAttempts],
  );
  return row;
}

/** Takes the ticket itself: of all who have shown the second factor, on any replica, one gets in. */
export async function take(tx: Tx, sha256: string): Promise<boolean> {
  const rows = await tx.query('delete from login_tickets where ticket_sha256 = $1 returning user_id', [
    sha256,
  ]);
  return rows.length > 0;
}

export async function purgeExpired(on: Queryable, now: Date): Promise<void> {
  // As with sessions: many rows in no order, so it waits for none.
  await on.query(
    `delete from login_tickets where ticket_sha256 in
       (select ticket_sha256 from login_tickets where expires_at <= $1 for update skip locked)`,
    [now],
  );
}
