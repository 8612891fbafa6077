import { Controller, Inject, Module } from '@nestjs/common';
import {
  approvalWaived,
  deadLetter,
  evaluateJobs,
  eventsIn,
  jobCancelled,
  jobSubmitted,
  type EventOf,
  type RequestOf,
} from '@lineclear/contracts';
import { AccessModule } from '@lineclear/access';
import { Conflict, readEnv, serviceEnv, startService, type RunningService, type Tx } from '@lineclear/kit';
import {
  client,
  connectPeer,
  pendingEvents,
  people,
  startBackends,
  type Backends,
  type Peer,
} from '@lineclear/testkit';
import { jetstreamManager, type StreamInfo } from '@nats-io/jetstream';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import {
  ask,
  Bus,
  BusModule,
  busEntities,
  busMigrations,
  busTransports,
  event,
  EVENTS_STREAM,
  newEventId,
  OnEvent,
  OnEvents,
  OnRequest,
} from './index.js';

const JOB = (n: number): string => `job_${n.toString(16).padStart(32, '0')}`;
const about = (n: number) => ({
  user_id: 1,
  username: 'ada',
  provider: 'local',
  config_name: 'tiny',
  job_id: JOB(n),
});
const submitted = (n: number) => ({
  ...about(n),
  hardware: 'gpu',
  estimated_cost_usd: 1,
  status: 'awaiting_evaluation' as const,
  facts: {
    ...about(n),
    level: 'viewer' as const,
    hardware: 'gpu',
    estimated_cost_usd: 1,
    jobs_last_24h: 0,
    first_job: true,
  },
});

/** A service as small as one can be: it notes each job it hears of and says that nothing holds it. */
@Controller()
class Notes {
  static poison = new Set<string>();
  static batches: number[] = [];
  static slow: Bus | undefined;
  static entered = false;
  static gate: Promise<void> | undefined;

  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @OnEvents(jobSubmitted)
  async note(events: EventOf<typeof jobSubmitted>[], tx: Tx): Promise<void> {
    Notes.batches.push(events.length);
    for (const { data } of events) {
      await tx.query('insert into note (job_id) values ($1)', [data.job_id]);
      await this.bus.publish(
        tx,
        event(approvalWaived, { job_id: data.job_id }, { about: `job/${data.job_id}` }),
      );
    }
    if (events.some(({ data }) => Notes.poison.has(data.job_id))) throw new Error('poisoned');
  }

  @OnEvent(jobCancelled)
  async strike({ data }: EventOf<typeof jobCancelled>, tx: Tx): Promise<void> {
    await tx.query('delete from note where job_id = $1', [data.job_id]);
  }

  @OnRequest(evaluateJobs)
  async evaluate({
    jobs,
  }: RequestOf<typeof evaluateJobs>): Promise<{ verdicts: { job_id: string; approval: null }[] }> {
    if (Notes.slow === this.bus) {
      Notes.entered = true;
      await Notes.gate;
    }
    if (jobs.length > 2) throw new Conflict('the rules say no');
    if (jobs.length > 1) throw new Error('one at a time');
    return { verdicts: jobs.map(({ job_id }) => ({ job_id, approval: null })) };
  }
}

@Module({ controllers: [Notes] })
class NotesModule {}

let backends: Backends;
let service: RunningService;
let peer: Peer;
let env: Record<string, string>;

const boot = (): Promise<RunningService> =>
  startService({
    name: 'approvals',
    config: readEnv(serviceEnv, env),
    modules: [
      BusModule.of('approvals', backends.nats.url),
      AccessModule.of({ bypassPaths: [] }),
      { module: NotesModule },
    ],
    entities: [...busEntities],
    migrations: [...busMigrations],
    transports: busTransports,
  });

beforeAll(async () => {
  backends = await startBackends();
  env = await backends.envFor('approvals');
  service = await boot();
  await service.database.query('create table note (id serial, job_id text)');
  peer = await connectPeer(backends.nats.url);
});

afterAll(async () => {
  await peer?.close();
  await service?.close();
  await backends?.stop();
});

const notesOf = async (n: number): Promise<number> =>
  (await service.database.query('select 1 from note where job_id = $1', [JOB(n)])).length;
const settled = async (): Promise<void> =>
  vi.waitFor(async () => expect(await pendingEvents(backends.nats.url, 'approvals')).toBe(0), {
    timeout: 20_000,
  });

const theStream = async (): Promise<StreamInfo> =>
  (await jetstreamManager(service.app.get(Bus).connection, { checkAPI: false })).streams.info(EVENTS_STREAM);
const outboxIsEmpty = async (): Promise<void> =>
  vi.waitFor(async () => expect(await service.database.query('select 1 from outbox')).toHaveLength(0));

it('carries an event through handler, database and outbox to the stream', async () => {
  await peer.publish(jobSubmitted, submitted(1));
  await vi.waitFor(() => expect(peer.events(approvalWaived).map((e) => e.data.job_id)).toContain(JOB(1)));
  expect(await notesOf(1)).toBe(1);
  await outboxIsEmpty();
});

it('lists no dead letters where there are none', async () => {
  const http = client(service.url, people(peer).add('admin').token);
  expect((await http.get('/api/system/dead-letters/approvals')).body).toEqual({ items: [] });
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

it('lets one bad message hold up nobody, buries it, says so, and replays it', async () => {
  Notes.poison.add(JOB(7));
  await Promise.all([6, 7, 8].map((n) => peer.publish(jobSubmitted, submitted(n))));
  await vi.waitFor(async () =>
    expect([await notesOf(6), await notesOf(7), await notesOf(8)]).toEqual([1, 0, 1]),
  );

  await peer.publishRaw(
    jobSubmitted.subject,
    JSON.stringify({ specversion: '1.0', type: 'job.submitted', data: {} }),
  );
  const admin = people(peer).add('admin');
  const http = client(service.url, admin.token);
  await vi.waitFor(
    async () =>
      expect((await http.get('/api/system/dead-letters/approvals')).body.items.length).toBeGreaterThan(0),
    { timeout: 20_000 },
  );
  const { body } = await http.get('/api/system/dead-letters/approvals');
  expect(body.items[0]).toMatchObject({
    event_type: 'job.submitted',
    reason: expect.stringContaining('broke its contract'),
  });
  await vi.waitFor(() => expect(peer.events(deadLetter)).toHaveLength(1));
  expect((await http.delete(`/api/system/dead-letters/approvals/${body.items[0].id}`)).status).toBe(200);
  expect((await http.delete(`/api/system/dead-letters/approvals/${body.items[0].id}`)).status).toBe(404);
  expect((await http.get('/api/system/dead-letters/approvals')).body.items).toHaveLength(0);

  Notes.poison.clear();
  await vi.waitFor(async () => expect(await notesOf(7)).toBe(1), { timeout: 20_000 });
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
  await vi.waitFor(
    async () =>
      expect(await service.database.query('select created from stream_seen')).toEqual([{ created }]),
    { timeout: 10_000 },
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

it('replays a dead letter to this service alone', async () => {
  await peer.publishRaw('replay.approvals', JSON.stringify({ nonsense: true }));
  const http = client(service.url, people(peer).add('admin').token);
  await vi.waitFor(async () =>
    expect((await http.get('/api/system/dead-letters/approvals')).body.items).toHaveLength(1),
  );
  const [letter] = (await http.get('/api/system/dead-letters/approvals')).body.items;
  expect((await http.post(`/api/system/dead-letters/approvals/${letter.id}/replay`)).status).toBe(202);
  await vi.waitFor(async () => {
    const [again] = (await http.get('/api/system/dead-letters/approvals')).body.items;
    expect(again?.id).toBeGreaterThan(letter.id);
  });
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

it('answers questions by the contract, and says so when the answerer fails or is away', async () => {
  const facts = submitted(1).facts;
  await expect(peer.ask(evaluateJobs, { jobs: [facts] })).resolves.toEqual({
    verdicts: [{ job_id: JOB(1), approval: null }],
  });
  await expect(peer.ask(evaluateJobs, { jobs: [facts, facts] })).rejects.toThrow('the answerer failed');
  const bus = service.app.get(Bus);
  await expect(
    ask(bus, { ...evaluateJobs, subject: 'ask.approvals.nobody' as never }, { jobs: [facts] }, 500),
  ).rejects.toThrow('does not answer');
  await expect(ask(bus, evaluateJobs, { jobs: [facts, facts] }, 5_000)).rejects.toMatchObject({
    status: 503,
  });
  await expect(ask(bus, evaluateJobs, { jobs: [facts, facts, facts] }, 5_000)).rejects.toMatchObject({
    status: 422,
    code: 'conflict',
    message: 'the rules say no',
  });
});

it('answers the questions under way before it closes', async () => {
  const second = await boot();
  Notes.slow = second.app.get(Bus);
  let open = (): void => undefined;
  Notes.gate = new Promise((resolve) => {
    open = resolve;
  });
  const asked: Promise<unknown>[] = [];
  await vi.waitFor(() => {
    // The two replicas share the questions.
    asked.push(peer.ask(evaluateJobs, { jobs: [submitted(1).facts] }));
    expect(Notes.entered).toBe(true);
  });
  const closing = second.close();
  open();
  await closing;
  expect(await Promise.all(asked)).toHaveLength(asked.length);
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

it('keeps the name of a letter that dies again, and lists page by page among those of others', async () => {
  const [admin, bus] = [people(peer).add('admin'), service.app.get(Bus)];
  const http = client(service.url, admin.token);
  const path = '/api/system/dead-letters/approvals';
  const before = (await http.get(path)).body.items.length;
  const id = await newBroken();
  await vi.waitFor(async () => expect((await http.get(path)).body.items[0].event_id).toBe(id));
  const [first] = (await http.get(path)).body.items;
  expect((await http.post(`${path}/${first.id}/replay`)).status).toBe(202);
  await vi.waitFor(async () => expect((await http.get(path)).body.items[0].id).toBeGreaterThan(first.id));
  expect((await http.get(path)).body.items[0]).toMatchObject({ event_type: 'job.submitted', event_id: id });
  // Other services' letters lie between.
  await bus.publisher.publish(
    Array.from({ length: 30 }, (_, n) => ({ subject: 'dead.secrets.x', id: `foreign-${n}`, body: '{}' })),
  );
  const last = await newBroken();
  await vi.waitFor(async () => expect((await http.get(`${path}?limit=1`)).body.items[0].event_id).toBe(last));
  const seen: string[] = [];
  for (let cursor: number | undefined; ;) {
    const query: string = cursor === undefined ? '?limit=1' : `?limit=1&cursor=${cursor}`;
    const { body } = await http.get(path + query);
    seen.push(...body.items.map((item: { event_id: string }) => item.event_id));
    cursor = body.next_cursor;
    if (cursor === undefined) break;
  }
  expect(seen).toHaveLength(before + 2);
  expect(seen.slice(0, 2)).toEqual([last, id]);

  async function newBroken(): Promise<string> {
    const broken = newEventId();
    await peer.publishRaw(
      jobSubmitted.subject,
      JSON.stringify({ specversion: '1.0', id: broken, type: 'job.submitted', data: {} }),
    );
    return broken;
  }
});

it('is closed to strangers, to small keys, and to everyone when auth is away', async () => {
  const folk = people(peer);
  const path = '/api/system/dead-letters/approvals';
  expect((await client(service.url).get(path)).status).toBe(401);
  expect((await client(service.url, 'lc_unknown').get(path)).status).toBe(401);
  expect((await client(service.url, folk.add('lead').token).get(path)).status).toBe(403);
  const admin = folk.add('admin');
  expect((await client(service.url, admin.token).get(path)).status).toBe(200);
  await folk.change(admin, []);
  await vi.waitFor(async () => expect((await client(service.url, admin.token).get(path)).status).toBe(403));
  const late = folk.add('admin');
  folk.down();
  expect((await client(service.url, late.token).get(path)).status).toBe(503);
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
