import { Controller, Get, Post } from '@nestjs/common';
import { auditRecorded, SYSTEM_LEVELS, type EventOf, type Principal } from '@lineclear/contracts';
import { Bus, BusModule, busEntities, busMigrations, busTransports, OnEvents } from '@lineclear/bus';
import {
  Answers,
  Database,
  NotAllowed,
  NotAuthenticated,
  readEnv,
  serviceEnv,
  startService,
  type RunningService,
  type Tx,
} from '@lineclear/kit';
import { client, connectPeer, startBackends, type Backends, type Peer } from '@lineclear/testkit';
import type { FastifyRequest } from 'fastify';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { AccessModule } from './access.module.js';
import { audited, differences, entryOf, nothingChanged } from './audited.js';
import { Allow, ChangesNothing, Public } from './decorators.js';
import { TokenLookup, type Identity } from './principals.js';
import { MAX_KINDS, Refusals } from './refusals.js';
import { hashToken, type Token } from './token.js';

const ada: Principal = {
  user_id: 7,
  username: 'ada',
  email: 'ada@lineclear.test',
  level: 'researcher',
  level_priority: 20,
  reaches: ['viewer', 'researcher'],
  permissions: [...SYSTEM_LEVELS.researcher.permissions],
  via: 'api_key',
  credential_id: 3,
};

class Known extends TokenLookup {
  override async find({ sha256 }: Token): Promise<Identity> {
    return { principal: sha256 === hashToken('lc_ada') ? ada : null };
  }

  override async internal(): Promise<Principal | null> {
    return null;
  }
}

@Controller('api/things')
class Things {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
  ) {}

  @Post('told')
  @Allow()
  @Answers(200, null, 'Changes something and tells of it')
  async told(): Promise<void> {
    const details = {
      long: 'x'.repeat(5_000),
      many: Array.from({ length: 500 }, (_, n) => n),
      gone: undefined,
    };
    await this.database.tx((tx) =>
      this.bus.publish(tx, audited('thing.changed', { target: 'thing/1', details })),
    );
  }

  @Post('forgotten')
  @Allow()
  @Answers(200, null, 'Changes something and tells nobody')
  forgotten(): void {}

  @Post('explained')
  @Allow()
  @ChangesNothing()
  @Answers(200, null, 'Only explains')
  explained(): void {}

  @Post('unchanged')
  @Public()
  @Answers(200, null, 'Finds nothing to change')
  unchanged(): void {
    nothingChanged();
  }

  @Get(':id')
  @Allow()
  @Answers(200, null, 'Is shown to nobody')
  hidden(): void {
    throw new NotAllowed('nobody may look');
  }
}
class ThingsModule {}

/** What this service must listen to, or it does not boot. */
@Controller()
class Hears {
  @OnEvents(auditRecorded)
  async heard(_events: EventOf<typeof auditRecorded>[], _tx: Tx): Promise<void> {}
}

let backends: Backends;
let service: RunningService;
let peer: Peer;
let seen = 0;

beforeAll(async () => {
  backends = await startBackends();
  service = await startService({
    name: 'auth',
    config: readEnv(serviceEnv, await backends.envFor('auth')),
    modules: [
      BusModule.of('auth', backends.nats.url),
      AccessModule.of({ lookup: { provide: TokenLookup, useClass: Known } }),
      { module: ThingsModule, controllers: [Things, Hears] },
    ],
    entities: [...busEntities],
    migrations: [...busMigrations],
    // Without its answers to questions, which this test asks none of.
    transports: (app) => busTransports(app).slice(0, 1),
  });
  peer = await connectPeer(backends.nats.url);
});
afterAll(async () => {
  await peer?.close();
  await service?.close();
  await backends?.stop();
});
beforeEach(async () => {
  await service.app.get(Refusals).endMinute();
  await emptied();
  seen = peer.events(auditRecorded).length;
});

const emptied = (): Promise<void> =>
  vi.waitFor(async () => expect(await service.database.query('select from outbox')).toEqual([]));
/** What was told since the test began. */
async function told(): Promise<object[]> {
  await emptied();
  return peer
    .events(auditRecorded)
    .slice(seen)
    .map(({ data }) => data);
}
const missing = async (): Promise<string[]> => {
  const text = await (await fetch(new URL('/metrics', service.url))).text();
  return text.match(/^lineclear_audit_missing_total\{.*/gm) ?? [];
};

it('knows who changed something, from where and in which request', async () => {
  const headers = { 'x-request-id': 'req-1', 'x-forwarded-for': '203.0.113.7' };
  expect((await client(service.url, 'lc_ada').post('/api/things/told', {}, headers)).status).toBe(200);
  await vi.waitFor(async () =>
    expect(await told()).toEqual([
      {
        action: 'thing.changed',
        outcome: 'done',
        by: 'person',
        actor: { user_id: 7, username: 'ada', via: 'api_key', credential_id: 3 },
        address: '203.0.113.7',
        request_id: 'req-1',
        target: 'thing/1',
        // Cut, so that it is told whatever it was.
        details: { long: 'x'.repeat(500), many: Array.from({ length: 100 }, (_, n) => n) },
        count: 1,
      },
    ]),
  );
  expect(entryOf(undefined, 'thing.swept', {}).data).toMatchObject({ by: 'system', details: {} });
});

it('counts a change that nobody told of, and no other', async () => {
  const ours = client(service.url, 'lc_ada');
  for (const path of ['told', 'explained', 'unchanged'])
    expect((await ours.post(`/api/things/${path}`, {})).status).toBe(200);
  expect((await ours.post('/api/things/none', {})).status).toBe(404);
  expect((await client(service.url).post('/api/things/forgotten', {})).status).toBe(401);
  expect(await missing()).toEqual([]);
  await ours.post('/api/things/forgotten', {});
  await ours.post('/api/things/forgotten', {});
  expect(await missing()).toEqual([
    'lineclear_audit_missing_total{method="POST",route="/api/things/forgotten",service="auth"} 2',
  ]);
});

it('tells of a flood of refusals once, and with their number when the minute is over', async () => {
  const from = (address: string) => ({ 'x-forwarded-for': address });
  const [ours, nobody] = [client(service.url, 'lc_ada'), client(service.url, 'lc_wrong')];
  for (let n = 0; n < 5; n += 1) {
    await ours.get(`/api/things/${n}?key=lc_secret`, from(`203.0.113.${n}`));
    await nobody.get(`/api/things/${n}`, from('203.0.113.7'));
  }
  await nobody.get('/api/things/1', from('203.0.113.8'));
  const refusal = { action: 'access.refused', outcome: 'refused', count: 1 };
  const details = { method: 'GET', route: '/api/things/:id', reason: 'nobody may look' };
  const unknown = { ...details, reason: 'a valid API key or session is needed' };
  const first = [
    { ...refusal, by: 'person', details },
    { ...refusal, by: 'anonymous', address: '203.0.113.7', details: unknown },
    { ...refusal, by: 'anonymous', address: '203.0.113.8', details: unknown },
  ];
  await vi.waitFor(async () => expect(await told()).toMatchObject(first));
  expect(JSON.stringify(await told())).not.toContain('lc_secret');

  await service.app.get(Refusals).endMinute();
  await vi.waitFor(async () =>
    expect(await told()).toMatchObject([...first, { ...first[0], count: 4 }, { ...first[1], count: 4 }]),
  );
  // A new minute, a new first.
  await ours.get('/api/things/1');
  await vi.waitFor(async () => expect((await told()).at(-1)).toMatchObject(first[0]!));
});

it('holds no more kinds of refusals than it may: what is beyond is counted together', async () => {
  const refusals = service.app.get(Refusals);
  for (let n = 0; n < MAX_KINDS + 50; n += 1)
    refusals.note(new NotAuthenticated(), {
      method: 'GET',
      routeOptions: { url: `/${n}` },
    } as FastifyRequest);
  await refusals.endMinute();
  await vi.waitFor(async () => {
    const all = await told();
    expect(all).toHaveLength(MAX_KINDS + 1);
    expect(all.at(-1)).toMatchObject({
      count: 50,
      details: { reason: expect.stringContaining('more than 1000') },
    });
  });
});

it('tells what is different, and nothing that is not', () => {
  const before = { name: 'a', list: [1, 2], gone: 'x' as string | undefined, same: true, map: { a: 1 } };
  const after = { name: 'b', list: [1], gone: undefined, same: true, map: { a: 2 } };
  expect(differences(before, after, ['name', 'list', 'gone', 'same', 'map'])).toEqual({
    name: { from: 'a', to: 'b' },
    list: { from: [1, 2], to: [1] },
    gone: { from: 'x', to: null },
    map: { from: '{"a":1}', to: '{"a":2}' },
  });
});
