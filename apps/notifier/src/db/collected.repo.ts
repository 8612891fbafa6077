import type { Queryable, Tx } from '@lineclear/kit';

/** The delivery of this collection, which nobody begins to send until the transaction ends. */
export async function lockCollection(
  tx: Tx,
  collection: string,
  channelId: number,
  recipient: string,
): Promise<{ id: string; isOpen: boolean } | undefined> {
  const [row] = await tx.query<{ id: string; isUntried: boolean }>(
    `select id, state = 'pending' and attempts = 0 as "isUntried" from delivery
     where event_id = $1 and channel_id = $2 and recipient = $3 for update`,
    [collection, channelId, recipient],
  );
  if (!row) return undefined;
  // After the lock, so that it sees a claim of whoever held that before.
  const claims = await tx.query('select 1 from claim where delivery_id = $1', [row.id]);
  return { id: row.id, isOpen: row.isUntried && claims.length === 0 };
}

export async function addCollected(tx: Tx, deliveryId: string, eventId: string, body: string): Promise<void> {
  await tx.query(
    `insert into collected (delivery_id, event_id, body) values ($1, $2, $3)
     on conflict (delivery_id, event_id) do nothing`,
    [deliveryId, eventId, body],
  );
}

/** What a delivery tells of, the first `limit` in the order in which they came, and how many they are in all. */
export async function collectedIn(
  on: Queryable,
  deliveryId: string,
  limit: number,
): Promise<{ bodies: string[]; total: number }> {
  const rows = await on.query<{ body: string; total: number }>(
    `select body, count(*) over () as total from collected where delivery_id = $1 order by id limit $2`,
    [deliveryId, limit],
  );
  return { bodies: rows.map(({ body }) => body), total: rows[0]?.total ?? 0 };
}

// Any number that nothing else in this database takes.
const TOLD_LOCK = 727_304;

/** How often a person was told of events of these types in the last minutes. Nobody else counts them until the transaction ends. */
export async function countTold(
  tx: Tx,
  userId: number,
  types: readonly string[],
  minutes: number,
): Promise<number> {
  await tx.query('select pg_advisory_xact_lock($1, $2)', [TOLD_LOCK, userId]);
  const [row] = await tx.query<{ count: number }>(
    `select count(*) as count from delivery
     where user_id = $1 and event_type = any($2::text[]) and created_at > now() - $3::int * interval '1 minute'
       -- What another channel tells instead is not told twice.
       and instead_of is null`,
    [userId, types, minutes],
  );
  return row?.count ?? 0;
}
