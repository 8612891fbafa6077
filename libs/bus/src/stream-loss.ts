import type { Database, Logger } from '@lineclear/kit';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Outbox } from './outbox.js';
import { EVENTS_STREAM, ensureStreams } from './streams.js';

/** What tells one life of the stream from another. */
export interface Stream {
  readonly created: string;
  readonly last_seq: number;
}

// A power cut takes what the server had not yet on its disk, which is the last five seconds, and what others sent since
// then may hide it. The server knows by their ids those that it still has.
const RECENT_SECONDS = 60;

/** Whether a stream that was seen like this can not be what it was: made anew, or set back to an older copy. */
export const hasLost = (before: Stream, now: Stream): boolean =>
  before.created !== now.created || now.last_seq < before.last_seq;

/**
 * Looks at the stream, makes it if it is gone, and if the server lost messages sends all again that this service had
 * sent; after a mere restart of the server, the newest of it. Who handled them knows them by their ids.
 */
export async function repairLoss(parts: {
  readonly connection: NatsConnection;
  readonly service: Parameters<typeof ensureStreams>[1];
  readonly database: Database;
  readonly outbox: Outbox;
  readonly log: Logger;
}): Promise<void> {
  const { connection, service, database, outbox, log } = parts;
  const { streams } = await jetstreamManager(connection, { checkAPI: false });
  const { created, state } = await streams.info(EVENTS_STREAM).catch(async () => {
    await ensureStreams(connection, service);
    return streams.info(EVENTS_STREAM);
  });
  const server = connection.info?.server_id ?? '';
  const now = { created, last_seq: state.last_seq };
  const [before] = await database.query<Stream & { server: string }>(
    'select created, last_seq, server from stream_seen',
  );
  if (before && hasLost(before, now)) {
    const messages = await outbox.sendAgain();
    log.warn({ messages }, 'the stream has lost messages: what was sent is sent again');
  } else if (before && before.server !== server) {
    const messages = await outbox.sendAgain(RECENT_SECONDS);
    log.info({ messages }, 'NATS was started anew: what was sent last is sent again');
  }
  if (before?.created === created && before.last_seq === now.last_seq && before.server === server) return;
  // Last: if this process ends before, the next one does it all again.
  await database.query(
    `insert into stream_seen (id, created, last_seq, server) values (1, $1, $2, $3)
     on conflict (id) do update set created = excluded.created, last_seq = excluded.last_seq, server = excluded.server`,
    [created, now.last_seq, server],
  );
}
