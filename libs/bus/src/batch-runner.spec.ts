import { approvalWaived, type EventDef } from '@lineclear/contracts';
import { createLogger, openDatabase, type Database } from '@lineclear/kit';
import { startBackends, type Backends } from '@lineclear/testkit';
import type { JsMsg } from '@nats-io/jetstream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BatchRunner } from './batch-runner.js';
import { Bus } from './bus.js';
import { connectNats } from './connection.js';
import { DeadLetters } from './dead-letters.js';
import { newEventId } from './event-id.js';
import { NotYet } from './on-event.js';
import { ensureStreams } from './streams.js';
import { busEntities, busMigrations } from './tables.js';

const HOUR_MS = 3_600_000;
const def: EventDef = approvalWaived;

interface Given {
  readonly seq: number;
  readonly id?: string;
  readonly deliveries?: number;
  readonly ageMs?: number;
  readonly type?: string;
}
type Handed = JsMsg & { outcome: string | undefined };

/** A message as the server hands it over, which notes what becomes of it. */
function handed({ seq, id = newEventId(), deliveries = 1, ageMs = 0, type = def.name }: Given): Handed {
  const envelope = {
    specversion: '1.0',
    id,
    type,
    source: 'lineclear/test',
    time: new Date().toISOString(),
    subject: `job/${seq}`,
    data: { job_id: `job_${seq.toString(16).padStart(32, '0')}` },
  };
  return message({ seq, deliveries, ageMs, body: JSON.stringify(envelope) });
}

function message({
  seq,
  deliveries = 1,
  ageMs = 0,
  body,
  id,
}: Omit<Given, 'type'> & { body: string }): Handed {
  const handed = {
    seq,
    subject: def.subject,
    headers: { get: () => id ?? '' },
    time: new Date(Date.now() - ageMs),
    timestampNanos: BigInt(seq),
    info: { deliveryCount: deliveries, timestampNanos: seq },
    data: new TextEncoder().encode(body),
    outcome: undefined as string | undefined,
    string: () => body,
    ack: () => void (handed.outcome = 'ack'),
    nak: (ms?: number) => void (handed.outcome = `nak ${ms}`),
    term: () => void (handed.outcome = 'buried'),
    working: () => undefined,
  };
  return handed as never;
}

let backends: Backends;
let database: Database;
let bus: Bus;
let runner: BatchRunner;
let applied: string[];
let transactions: number;
let wrong: ReadonlyMap<string, Error>;

beforeAll(async () => {
  backends = await startBackends();
  const log = createLogger({ name: 'test', format: 'json', level: 'silent' });
  database = await openDatabase({
    url: await backends.database(),
    poolSize: 3,
    entities: [...busEntities],
    migrations: [...busMigrations],
    log,
  });
  const connection = await connectNats(backends.nats.url, 'approvals', log);
  await ensureStreams(connection, 'approvals');
  bus = new Bus('approvals', connection, database, log);
});
afterAll(async () => {
  await bus?.close();
  await database?.close();
  await backends?.stop();
});
beforeEach(() => {
  applied = [];
  transactions = 0;
  wrong = new Map();
  const handle = async (given: unknown): Promise<void> => {
    const events = given as { id: string }[];
    transactions += 1;
    for (const { id } of events) {
      const error = wrong.get(id);
      if (error) throw error;
    }
    applied.push(...events.map(({ id }) => id));
  };
  runner = new BatchRunner(bus, new DeadLetters(bus), [{ def, batch: true, handle }]);
});

/** The same event as it comes again and again, up to `times` times or until it is buried. */
async function comesAgain(given: Given, times: number): Promise<number> {
  for (let deliveries = 1; deliveries <= times; deliveries += 1) {
    const message = handed({ ...given, deliveries });
    await runner.run([message]);
    if (message.outcome === 'buried') return deliveries;
  }
  return Infinity;
}

it('buries what failed eight times, but not what came often for other reasons', async () => {
  const id = newEventId();
  wrong = new Map([[id, new Error('broken')]]);
  expect(await comesAgain({ seq: 1, id }, 20)).toBe(8);
  const late = handed({ seq: 2, id, deliveries: 90 });
  await runner.run([late]);
  expect(late.outcome).toBe('nak 200');
});

it('does not count waiting as failing', async () => {
  const id = newEventId();
  wrong = new Map([[id, new NotYet('the other one is not here')]]);
  expect(await comesAgain({ seq: 3, id }, 200)).toBe(Infinity);
  wrong = new Map([[id, new Error('broken')]]);
  expect(await comesAgain({ seq: 3, id }, 20)).toBe(8);
});

it('waits longer each time, for an hour, and not at all shorter for what was old when it came', async () => {
  const id = newEventId();
  wrong = new Map([[id, new NotYet('the other one is not here')]]);
  const [first, later] = [handed({ seq: 4, id }), handed({ seq: 4, id, deliveries: 9 })];
  await runner.run([first]);
  await runner.run([later]);
  expect([first.outcome, later.outcome]).toEqual(['nak 500', 'nak 15000']);
  expect(await comesAgain({ seq: 5, id, ageMs: 2 * HOUR_MS }, 100)).toBe(20);
});

it('finds one bad event among many in few steps, and takes it alone when it comes again', async () => {
  const messages = Array.from({ length: 200 }, (_, n) => handed({ seq: 1_000 + n, id: newEventId() }));
  const bad = JSON.parse(messages[120]!.string()) as { id: string };
  wrong = new Map([[bad.id, new Error('broken')]]);
  await runner.run(messages);
  expect(messages.filter(({ outcome }) => outcome === 'ack')).toHaveLength(199);
  expect(transactions).toBeLessThan(20);
  transactions = 0;
  const rest = Array.from({ length: 100 }, (_, n) => handed({ seq: 2_000 + n }));
  await runner.run([...rest, handed({ seq: 1_120, id: bad.id, deliveries: 2 })]);
  expect(transactions).toBe(2);
  expect(rest.every(({ outcome }) => outcome === 'ack')).toBe(true);
});

it('lets a type that it does not know come again before it gives up', async () => {
  expect(await comesAgain({ seq: 6, type: 'approval.of_next_year' }, 20)).toBe(8);
});

it('knows an event by its id in any case', async () => {
  const id = newEventId();
  await runner.run([handed({ seq: 7, id: id.toUpperCase() })]);
  await runner.run([handed({ seq: 8, id })]);
  expect(applied).toEqual([id]);
});

describe('a message of several events', () => {
  const together = (seq: number, id: string, ids: readonly string[], type = def.name): Handed => {
    const events = ids.map((one, n) => handed({ seq, id: one, ...(n === 1 ? { type } : {}) }).string());
    return message({ seq, id, body: `[${events.join()}]` });
  };
  const again = async (): Promise<string[]> => {
    const rows = await database.query<{ body: string }>(
      `delete from outbox where subject = 'replay.approvals' returning body`,
    );
    return rows.map(({ body }) => (JSON.parse(body) as { id: string }).id);
  };
  const newIds = (): string[] => [newEventId(), newEventId(), newEventId()];

  it('is handled as a whole, once', async () => {
    const [id, ids] = [newEventId(), newIds()];
    const messages = [together(10, id, ids), together(10, id, ids)];
    for (const one of messages) await runner.run([one]);
    expect(messages.map(({ outcome }) => outcome)).toEqual(['ack', 'ack']);
    expect([applied, transactions]).toEqual([ids, 1]);
  });

  it.each([
    ['one fails', new Error('broken'), def.name],
    ['one waits for something', new NotYet('not here'), def.name],
    ['one is of an unknown kind', undefined, 'approval.of_next_year'],
  ])('is taken apart, once, when %s', async (_, error, type) => {
    const [id, ids] = [newEventId(), newIds()];
    if (error) wrong = new Map([[ids[1]!, error]]);
    const messages = [together(11, id, ids, type), together(11, id, ids, type)];
    for (const one of messages) await runner.run([one]);
    expect(messages.map(({ outcome }) => outcome)).toEqual(['ack', 'ack']);
    expect(applied).toEqual([]);
    expect(await again()).toEqual(ids);
  });

  it('is buried when it has no id of its own', async () => {
    const one = together(12, '', newIds());
    await runner.run([one]);
    expect(one.outcome).toBe('buried');
  });
});
