import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { approvalWaived } from '@lineclear/contracts';
import { createLogger, openDatabase, type Database } from '@lineclear/kit';
import { connectPeer, startBackends, type Backends, type Peer } from '@lineclear/testkit';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Bus, event } from './bus.js';
import { connectNats } from './connection.js';
import { newEventId } from './event-id.js';
import { Outbox } from './outbox.js';
import { hasLost, repairLoss } from './stream-loss.js';
import { ensureStreams, EVENTS_STREAM } from './streams.js';
import { busEntities, busMigrations } from './tables.js';

const before = { created: '2026-01-01T00:00:00.000000001Z', last_seq: 10 };

it.each([
  ['as it was', before, false],
  ['longer', { ...before, last_seq: 11 }, false],
  ['shorter, so set back', { ...before, last_seq: 9 }, true],
  ['another one', { created: '2026-01-02T00:00:00Z', last_seq: 10 }, true],
  ['another one, longer already', { created: '2026-01-02T00:00:00Z', last_seq: 99 }, true],
])('a stream that is %s', (_, now, expected) => {
  expect(hasLost(before, now)).toBe(expected);
});

describe('over real servers', () => {
  const log = createLogger({ name: 'test', format: 'json', level: 'silent' });
  const jobId = `job_${'0'.repeat(32)}`;
  let backends: Backends;
  let database: Database;
  let connection: NatsConnection;
  let bus: Bus;
  let outbox: Outbox;
  let peer: Peer;

  beforeAll(async () => {
    backends = await startBackends();
  });
  afterAll(() => backends?.stop());
  beforeEach(async () => {
    database = await openDatabase({
      url: await backends.database(),
      poolSize: 3,
      entities: [...busEntities],
      migrations: [...busMigrations],
      log,
    });
    connection = await connectNats(backends.nats.url, 'approvals', log);
    await ensureStreams(connection, 'approvals');
    bus = new Bus('approvals', connection, database, log);
    outbox = new Outbox(database);
    peer = await connectPeer(backends.nats.url);
    await look();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await peer.close();
    await bus.close();
    await database.close();
  });

  const look = (): Promise<void> => repairLoss({ connection, service: 'approvals', database, outbox, log });
  const announce = (): Promise<void> =>
    database.tx((tx) => bus.publish(tx, event(approvalWaived, { job_id: jobId }, { about: 'job/x' })));
  const idsIn = async (table: 'outbox' | 'sent'): Promise<string[]> =>
    (await database.query<{ id: string }>(`select message_id as id from ${table} order by ${table}.id`)).map(
      ({ id }) => id,
    );
  /** What a relay does: sends what waits, and puts away what the stream took. */
  async function carry(): Promise<void> {
    const waiting = await outbox.next([], 100);
    expect(await bus.publisher.publish(waiting)).toEqual(waiting.map(() => true));
    await outbox.next(
      waiting.map(({ place }) => place),
      0,
    );
  }
  async function restart(whileAway = (): void => undefined): Promise<void> {
    await backends.nats.stop();
    whileAway();
    await backends.nats.start();
    await vi.waitFor(() => connection.rtt());
  }
  const messages = async (): Promise<number> =>
    (await (await jetstreamManager(connection)).streams.info(EVENTS_STREAM)).state.messages;

  it('sends again what a power cut took from the server, though others have sent as much since', async () => {
    const store = join(backends.dir, 'nats', 'data', 'jetstream');
    await restart(() => void execFileSync('cp', ['-a', store, `${store}.old`]));
    await look();
    await announce();
    await carry();
    const ids = await idsIn('sent');
    expect(ids).toHaveLength(1);
    await restart(() => {
      execFileSync('rm', ['-rf', store]);
      execFileSync('mv', [`${store}.old`, store]);
    });
    for (let n = 0; n < 3; n += 1)
      expect(
        await bus.publisher.publish([{ subject: approvalWaived.subject, id: newEventId(), body: '{}' }]),
      ).toEqual([true]);
    await look();
    expect([await idsIn('outbox'), await idsIn('sent')]).toEqual([ids, []]);
  });

  it('has the server know what it still has, when it was only started anew', async () => {
    await announce();
    await carry();
    await database.query(`update sent set sent_at = now() - interval '1 hour'`);
    await announce();
    await carry();
    const ids = await idsIn('sent');
    const had = await messages();
    await restart();
    await look();
    expect([await idsIn('sent'), await idsIn('outbox')]).toEqual([[ids[0]], [ids[1]]]);
    await carry();
    expect(await messages()).toBe(had);
    await look();
    expect(await idsIn('outbox')).toEqual([]);
  });

  it('sends nothing again that inboxes may have forgotten, however often it was sent', async () => {
    await database.query(
      `insert into sent (id, message_id, subject, body, created_at) overriding system value
       select n, gen_random_uuid(), 'lineclear.approval.waived', '{}', now() - n * interval '4 days' from generate_series(1, 3) n`,
    );
    const [first] = await idsIn('sent');
    expect(await outbox.sendAgain()).toBe(1);
    expect([await idsIn('outbox'), await idsIn('sent')]).toEqual([[first], []]);
    await carry();
    const age = `extract(day from now() - created_at)::int as days`;
    expect(await database.query(`select ${age} from sent`)).toEqual([{ days: 4 }]);
  });

  it('forgets little by little, and what was handled not before it can come again no more', async () => {
    await database.query(
      `insert into inbox (message_id, processed_at) select gen_random_uuid(), now() - interval '14 days'`,
    );
    await database.query(
      `insert into inbox (message_id, processed_at) select gen_random_uuid(), now() - interval '16 days' from generate_series(1, 1500)`,
    );
    await database.query(
      `insert into sent (id, message_id, subject, body, sent_at)
       select n, gen_random_uuid(), 'x', '{}', now() - (case when n > 1200 then 1 else 8 end) * interval '1 day'
         from generate_series(1, 1300) n`,
    );
    const left = (): Promise<unknown[]> =>
      database.query('select (select count(*) from sent) as sent, (select count(*) from inbox) as inbox');
    expect(await outbox.purge()).toBe(true);
    expect(await left()).toEqual([{ sent: 300, inbox: 501 }]);
    expect(await outbox.purge()).toBe(false);
    expect(await left()).toEqual([{ sent: 100, inbox: 1 }]);
  });

  it('sends again also what the relay has not yet put away when it sees the loss', async () => {
    const seen = (): number => peer.events(approvalWaived).length;
    bus.start();
    await announce();
    await vi.waitFor(() => expect(seen()).toBe(1));
    await vi.waitFor(async () => expect(await idsIn('outbox')).toEqual([]));
    await announce();
    await vi.waitFor(() => expect(seen()).toBe(2), { interval: 1 });
    // The next thing the relay does is to look at the stream.
    const now = Date.now.bind(Date);
    vi.spyOn(Date, 'now').mockImplementation(() => now() + 60_000);
    await (await jetstreamManager(connection)).streams.delete(EVENTS_STREAM);
    await vi.waitFor(() => expect(seen()).toBe(4));
  });
});
