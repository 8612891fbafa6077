import { approvalWaived, eventsIn, jobSubmitted } from '@lineclear/contracts';
import type { RunningService } from '@lineclear/kit';
import type { Backends, Peer } from '@lineclear/testkit';
import { jetstreamManager, type StreamInfo } from '@nats-io/jetstream';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Bus, event, EVENTS_STREAM } from './index.js';
import { JOB, Notes, openNotes, submitted, type NotesHouse } from './notes.fixture.js';

let house: NotesHouse;
let backends: Backends;
let service: RunningService;
let peer: Peer;
let boot: NotesHouse['boot'];
let notesOf: NotesHouse['notesOf'];
let settled: NotesHouse['settled'];
let outboxIsEmpty: NotesHouse['outboxIsEmpty'];

beforeAll(async () => {
  house = await openNotes();
  ({ backends, service, peer, boot, notesOf, settled, outboxIsEmpty } = house);
});
afterAll(() => house?.close());

const theStream = async (): Promise<StreamInfo> =>
  (await jetstreamManager(service.app.get(Bus).connection, { checkAPI: false })).streams.info(EVENTS_STREAM);

it('carries an event through handler, database and outbox to the stream', async () => {
  await peer.publish(jobSubmitted, submitted(1));
  await vi.waitFor(() => expect(peer.events(approvalWaived).map((e) => e.data.job_id)).toContain(JOB(1)));
  expect(await notesOf(1)).toBe(1);
  await outboxIsEmpty();
});

it('applies an event once, however often it arrives', async () => {
  const id = await peer.publish(jobSubmitted, submitted(2));
  for (let i = 0; i < 5; i += 1) await peer.publish(jobSubmitted, submitted(2), { id });
  await settled();
  expect(await notesOf(2)).toBe(1);
});

it('handles what arrives together as one batch', async () => {
  Notes.batches = [];
  await Promise.all(Array.from({ length: 300 }, (_, n) => peer.publish(jobSubmitted, submitted(1_000 + n))));
  await settled();
  expect(Math.max(...Notes.batches)).toBeGreaterThan(1);
  expect(Notes.batches.reduce((a, b) => a + b)).toBe(300);
});

it('sends what is committed together as one message, and reads such messages', async () => {
  const bus = service.app.get(Bus);
  const jobs = [600, 601, 602];
  await service.database.tx((tx) =>
    bus.publish(tx, ...jobs.map((n) => event(approvalWaived, { job_id: JOB(n) }, { about: `job/${n}` }))),
  );
  const told = (): string[] => peer.events(approvalWaived).map(({ data }) => data.job_id);
  await vi.waitFor(() => expect(told()).toEqual(expect.arrayContaining(jobs.map(JOB))));
  const manager = await jetstreamManager(bus.connection, { checkAPI: false });
  const sent = await manager.streams.getMessage(EVENTS_STREAM, { last_by_subj: approvalWaived.subject });
  expect(eventsIn(sent?.string() ?? '')).toMatchObject(jobs.map((n) => ({ data: { job_id: JOB(n) } })));

  const id = await peer.publishTogether(jobSubmitted, jobs.map(submitted));
  await settled();
  expect(await Promise.all(jobs.map(notesOf))).toEqual([1, 1, 1]);
  expect(await service.database.query('select 1 from inbox where message_id = $1', [id])).toHaveLength(1);
});

it('takes a message apart in which one event is bad: the others are handled once, that one comes again', async () => {
  const jobs = [620, 621, 622];
  Notes.poison.add(JOB(621));
  await peer.publishTogether(jobSubmitted, jobs.map(submitted));
  await vi.waitFor(async () => expect(await Promise.all(jobs.map(notesOf))).toEqual([1, 0, 1]));
  Notes.poison.clear();
  await vi.waitFor(async () => expect(await Promise.all(jobs.map(notesOf))).toEqual([1, 1, 1]), {
    timeout: 20_000,
  });
});

it('does not handle what it does not want, beside what it wants, and handles it when in doubt', async () => {
  const bus = service.app.get(Bus);
  const jobs = [630, 631, 632];
  bus.handleOnlyIf(jobSubmitted, {
    event: async ({ data }) => {
      if (data.job_id === JOB(632)) throw new Error('cannot tell');
      return data.job_id !== JOB(630);
    },
  });
  try {
    const id = await peer.publish(jobSubmitted, submitted(630));
    await peer.publishTogether(jobSubmitted, jobs.map(submitted));
    await settled();
    expect(await Promise.all(jobs.map(notesOf))).toEqual([0, 1, 1]);
    expect(await service.database.query('select 1 from inbox where message_id = $1', [id])).toEqual([]);

    bus.handleOnlyIf(jobSubmitted, { kind: () => false });
    await peer.publish(jobSubmitted, submitted(633));
    await peer.publishRaw(jobSubmitted.subject, '{}');
    await settled();
    expect(await notesOf(633)).toBe(0);
  } finally {
    bus.handleOnlyIf(jobSubmitted, {});
  }
});

it('sends again what was sent when the server lost the stream; what was handled is not handled again', async () => {
  const waived = (n: number): number =>
    peer.events(approvalWaived).filter(({ data }) => data.job_id === JOB(n)).length;
  await peer.publish(jobSubmitted, submitted(700));
  await vi.waitFor(() => expect(waived(700)).toBe(1));
  await outboxIsEmpty();
  const { created } = await theStream();
  await vi.waitFor(async () =>
    expect(await service.database.query('select created from stream_seen')).toEqual([{ created }]),
  );
  const inbox = await service.database.query('select message_id from inbox');

  const manager = await jetstreamManager(service.app.get(Bus).connection, { checkAPI: false });
  await manager.streams.delete(EVENTS_STREAM);
  await vi.waitFor(() => expect(waived(700)).toBe(2), { timeout: 20_000 });
  expect(await notesOf(700)).toBe(1);
  expect(await service.database.query('select message_id from inbox')).toEqual(inbox);
  await vi.waitFor(
    async () => {
      await peer.publish(jobSubmitted, submitted(701));
      expect(await notesOf(701)).toBeGreaterThan(0);
    },
    { timeout: 20_000 },
  );
});

it('publishes nothing of a transaction that is rolled back', async () => {
  const bus = service.app.get(Bus);
  await expect(
    service.database.tx(async (tx) => {
      await bus.publish(tx, event(approvalWaived, { job_id: JOB(99) }, { about: 'job/x' }));
      throw new Error('no');
    }),
  ).rejects.toThrow('no');
  await peer.publish(jobSubmitted, submitted(98));
  await vi.waitFor(() =>
    expect(peer.events(approvalWaived).some((e) => e.data.job_id === JOB(98))).toBe(true),
  );
  expect(peer.events(approvalWaived).some((e) => e.data.job_id === JOB(99))).toBe(false);
});

it('refuses data that breaks the contract and events the service does not declare', async () => {
  const bus = service.app.get(Bus);
  await expect(
    service.database.tx((tx) => bus.publish(tx, event(approvalWaived, { job_id: 'x' }, { about: 'a' }))),
  ).rejects.toThrow('job id');
  await expect(
    service.database.tx((tx) => bus.publish(tx, event(jobSubmitted, submitted(1), { about: 'a' }))),
  ).rejects.toThrow('does not declare');
});

it('keeps events in the outbox while NATS is down and delivers them after', async () => {
  const bus = service.app.get(Bus);
  await backends.nats.stop();
  for (let n = 200; n < 220; n += 1) {
    await service.database.tx((tx) =>
      bus.publish(tx, event(approvalWaived, { job_id: JOB(n) }, { about: `job/${n}` })),
    );
  }
  expect((await service.database.query('select 1 from outbox')).length).toBe(20);
  await backends.nats.start();
  await vi.waitFor(
    () =>
      expect(
        peer
          .events(approvalWaived)
          .map((e) => e.data.job_id)
          .filter((id) => id >= JOB(200) && id < JOB(220)),
      ).toEqual(Array.from({ length: 20 }, (_, n) => JOB(200 + n))),
    { timeout: 20_000 },
  );
  await outboxIsEmpty();
  // Consuming goes on too.
  await peer.publish(jobSubmitted, submitted(230));
  await vi.waitFor(async () => expect(await notesOf(230)).toBe(1), { timeout: 20_000 });
});

it('refuses an event that NATS would not take, and sends what it can beside one', async () => {
  const bus = service.app.get(Bus);
  await expect(
    service.database.tx((tx) =>
      bus.publish(tx, event(approvalWaived, { job_id: JOB(500) }, { about: 'x'.repeat(600_000) })),
    ),
  ).rejects.toThrow('larger than');
  const small = { subject: 'dead.secrets.size', body: '{}' };
  const huge = { ...small, body: 'x'.repeat(3_000_000) };
  expect(
    await bus.publisher.publish([
      { ...small, id: 'a' },
      { ...huge, id: 'b' },
      { ...small, id: 'c' },
    ]),
  ).toEqual([true, false, true]);
});

it('publishes from two replicas, each event once and in order', async () => {
  const second = await boot();
  try {
    const buses = [service.app.get(Bus), second.app.get(Bus)];
    for (let n = 300; n < 340; n += 1) {
      const bus = buses[n % 2]!;
      await bus.database.tx((tx) =>
        bus.publish(tx, event(approvalWaived, { job_id: JOB(n) }, { about: 'job/one' })),
      );
    }
    const seen = (): string[] =>
      peer
        .events(approvalWaived)
        .map((e) => e.data.job_id)
        .filter((id) => id >= JOB(300) && id < JOB(340));
    await vi.waitFor(() => expect(seen()).toEqual(Array.from({ length: 40 }, (_, n) => JOB(300 + n))), {
      timeout: 20_000,
    });
  } finally {
    await second.close();
  }
});

it('leaves a replica that is not the relay at rest, however often it is poked', async () => {
  const second = await boot();
  try {
    const lastQueries = async (): Promise<string> => {
      const rows = await service.database.query<{ at: string }>(
        `select pid || ' ' || query_start::text as at from pg_stat_activity
          where application_name = 'lineclear lock' and datname = current_database() order by pid`,
      );
      return rows.map(({ at }) => at).join();
    };
    const bus = second.app.get(Bus);
    for (let n = 400; n < 420; n += 1)
      await bus.database.tx((tx) =>
        bus.publish(tx, event(approvalWaived, { job_id: JOB(n) }, { about: 'job/one' })),
      );
    await vi.waitFor(async () => expect(await second.database.query('select 1 from outbox')).toHaveLength(0));
    const seen = new Set<string>();
    for (let i = 0; i < 100; i += 1) seen.add(await lastQueries());
    expect(seen.size).toBeLessThan(20);
  } finally {
    await second.close();
  }
});

it('says when events may have been missed, and only then', async () => {
  const asksAnew = vi.fn();
  const bus = service.app.get(Bus);
  bus.afterSilence(asksAnew);
  await bus.connection.flush();
  expect(asksAnew).not.toHaveBeenCalled();
  await backends.nats.stop();
  await backends.nats.start();
  await vi.waitFor(() => expect(asksAnew).toHaveBeenCalledTimes(1), { timeout: 20_000 });
});
