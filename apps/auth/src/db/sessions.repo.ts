import type { Queryable, Tx } from '@lineclear/kit';

export interface NewSession {
  readonly userId: number;
  readonly tokenSha256: string;
  readonly csrfSha256: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly address: string;
  readonly userAgent: string;
  readonly providerId?: string | undefined;
  readonly providerSid?: string | undefined;
}

export interface SessionRow {
  readonly id: number;
  readonly created_at: Date;
  readonly last_seen_at: Date;
  readonly expires_at: Date;
  readonly address: string;
  readonly user_agent: string;
}

export async function insert(tx: Tx, session: NewSession): Promise<void> {
  await tx.query(
    `insert into sessions (user_id, token_sha256, csrf_sha256, created_at, expires_at, last_seen_at, address, user_agent, provider_id, provider_sid)
     values ($1, $2, $3, $4, $5, $4, $6, $7, $8, $9)`,
    [
      session.userId,
      session.tokenSha256,
      session.csrfSha256,
      session.createdAt,
      session.expiresAt,
      session.address,
      session.userAgent,
      session.providerId ?? null,
      session.providerSid ?? null,
    ],
  );
}

export async function end(tx: Tx, id: number): Promise<void> {
  await tx.query('delete from sessions where id = $1', [id]);
}

/** Ends all of a person's sessions, or all but one. @returns how many */
export async function endAllOf(tx: Tx, userId: number, exceptId = 0): Promise<number> {
  const rows = await tx.query('delete from sessions where user_id = $1 and id <> $2 returning id', [
    userId,
    exceptId,
  ]);
  return rows.length;
}

/** Ends one of a person's sessions; false when they have no such. */
export async function endOneOf(tx: Tx, userId: number, id: number, now: Date): Promise<boolean> {
  const rows = await tx.query(
    'delete from sessions where user_id = $1 and id = $2 and expires_at > $3 returning id',
    [userId, id, now],
  );
  return rows.length > 0;
}

/** A person's sessions that have not ended, newest first. */
export async function page(
  on: Queryable,
  query: { readonly userId: number; readonly before: number; readonly limit: number },
  now: Date,
): Promise<{ readonly rows: readonly SessionRow[]; readonly total: number }> {
  const [rows, counts] = await Promise.all([
    on.query<SessionRow>(
      `select id, created_at, last_seen_at, expires_at, address, user_agent from sessions
       where user_id = $1 and expires_at > $2 and id < $3 order by id desc limit $4`,
      [query.userId, now, query.before, query.limit],
    ),
    on.query<{ total: number }>(
      'select count(*) as total from sessions where user_id = $1 and expires_at > $2',
      [query.userId, now],
    ),
  ]);
  return { rows, total: counts[0]?.total ?? 0 };
}

/** Ends sessions that a provider vouched for: of one session of its own, of a person, or of both. @returns whose they were */
export async function endOfProvider(
  tx: Tx,
  providerId: string,
  of: { readonly sid: string | undefined; readonly userId: number | undefined },
): Promise<number[]> {
  const rows = await tx.query<{ user_id: number }>(
    `delete from sessions where provider_id = $1 and ($2::text is not null or $3::integer is not null) and ($2::text is null or provider_sid = $2)
       and ($3::integer is null or user_id = $3) returning user_id`,
    [providerId, of.sid ?? null, of.userId ?? null],
  );
  return [...new Set(rows.map(({ user_id }) => user_id))];
}

// What follows is nobody's request. It takes many rows in no order, so it waits for none: two who did could wait for each other.

export async function seen(on: Queryable, ids: readonly number[], now: Date): Promise<void> {
  await on.query(
    `update sessions set last_seen_at = $2 where id in (select id from sessions
       where id = any($1) and last_seen_at < $2::timestamptz - interval '1 minute' for update skip locked)`,
    [ids, now],
  );
}

export async function purgeExpired(on: Queryable, now: Date): Promise<void> {
  await on.query(
    'delete from sessions where id in (select id from sessions where expires_at <= $1 for update skip locked)',
    [now],
  );
}
