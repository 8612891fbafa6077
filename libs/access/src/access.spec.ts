import {
  PERMISSIONS,
  principalChanged,
  principalsChanged,
  SYSTEM_LEVELS,
  type EventDef,
  type Level,
  type Principal,
} from '@lineclear/contracts';
import {
  Clock,
  Metrics,
  readEnv,
  serviceEnv,
  startService,
  Unavailable,
  type RunningService,
} from '@lineclear/kit';
import { Bus, BusModule, busEntities, busMigrations, busTransports } from '@lineclear/bus';
import { startBackends, type Backends } from '@lineclear/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { can, canFor, mayComeFrom } from './can.js';
import { MAX_PRINCIPALS, Principals, TokenLookup, type Identity } from './principals.js';
import { hashToken, tokenOf, type Token } from './token.js';

const ada = (
  permissions: readonly (typeof PERMISSIONS)[number][] = SYSTEM_LEVELS.researcher.permissions,
): Principal => ({
  user_id: 7,
  username: 'ada',
  email: 'ada@lineclear.test',
  level: 'researcher',
  level_priority: 20,
  reaches: ['viewer', 'researcher'],
  permissions: [...permissions],
  via: 'api_key',
  credential_id: 1,
});

describe('can', () => {
  it('is what the principal holds, no more', () => {
    for (const permission of PERMISSIONS)
      expect(can(ada(), permission)).toBe(SYSTEM_LEVELS.researcher.permissions.includes(permission));
  });

  it.each([
    [['job.view.own'], undefined, 7, null, true],
    [['job.view.own'], undefined, 8, null, false],
    [['job.view.all'], undefined, 8, null, true],
    [['job.cancel.own'], undefined, 7, null, false],
    [[], undefined, 7, null, false],
    // What is another organisation's is nobody's business, and what is one's own stays so.
    [['job.view.all'], 1, 8, 1, true],
    [['job.view.all'], 1, 8, 2, false],
    [['job.view.all'], 1, 8, null, false],
    [['job.view.all'], undefined, 8, 1, false],
    [['job.view.own', 'job.view.all'], 1, 7, 2, true],
    [['job.view.all', 'org.create'], undefined, 8, 1, true],
    [['job.view.all', 'org.create'], 1, 8, 2, true],
  ] as const)(
    'with %j in org %s, seeing a job of %i in org %s: %s',
    (permissions, org, userId, orgId, expected) => {
      const who = { ...ada(permissions), ...(org === undefined ? {} : { org: { id: org, slug: 'o' } }) };
      expect(canFor(who, 'job.view', { userId, orgId })).toBe(expected);
    },
  );
});

describe('mayComeFrom', () => {
  it.each([
    [undefined, ['203.0.113.7'], true],
    [['203.0.113.0/24'], ['203.0.113.7'], true],
    [['203.0.113.0/24'], ['::ffff:203.0.113.7'], true],
    [['203.0.113.0/24'], ['127.0.0.1', '203.0.113.7'], true],
    [['203.0.113.0/24'], ['127.0.0.1'], false],
    [['203.0.113.0/24'], ['203.0.113.7', '198.51.100.1'], false],
    [['2001:db8::/32'], ['2001:db8::9'], true],
    [['2001:db8::/32'], ['::1', '203.0.113.7'], false],
    [[], ['203.0.113.7'], false],
  ])('a key for %j, of a client that came by %j: %s', (cidrs, ips, expected) => {
    const key = { ...ada(), ...(cidrs === undefined ? {} : { allowed_cidrs: cidrs }) };
    expect(mayComeFrom(key, { ips, ip: ips.at(-1)! })).toBe(expected);
  });
});

describe('tokenOf', () => {
  it.each([
    [{ authorization: 'Bearer lc_a' }, 'api_key', 'lc_a'],
    [{ authorization: 'bearer  lc_a' }, 'api_key', 'lc_a'],
    [{ 'x-api-key': 'lc_b' }, 'api_key', 'lc_b'],
    [{ cookie: 'a=1; lineclear_session=s1; b=2' }, 'session', 's1'],
    [{ authorization: 'Bearer lc_a', cookie: 'lineclear_session=s1' }, 'api_key', 'lc_a'],
  ] as const)('reads %j', (headers, kind, token) => {
    expect(tokenOf(headers)).toEqual({ kind, sha256: hashToken(token) });
  });

  it.each([
    [{}],
    [{ authorization: 'Basic abc' }],
    [{ authorization: `Bearer ${'x'.repeat(600)}` }],
    [{ cookie: 'not_lineclear_session=s1' }],
  ])('finds none in %j', (headers) => {
    expect(tokenOf(headers)).toBeUndefined();
  });
});

describe('the cache of principals', () => {
  class TestClock extends Clock {
    ms = Date.parse('2026-01-01');
    override now(): Date {
      return new Date(this.ms);
    }
  }
  class Register extends TokenLookup {
    asked = 0;
    away = false;
    known: Principal | null = ada();
    override async find(_token: Token): Promise<Identity> {
      this.asked += 1;
      if (this.away) throw new Unavailable('auth does not answer right now');
      return { principal: this.known };
    }
    override async internal(): Promise<Principal | null> {
      return null;
    }
  }
  const token: Token = { kind: 'api_key', sha256: hashToken('lc_a') };
  let backends: Backends;
  let service: RunningService;

  beforeAll(async () => {
    backends = await startBackends();
    service = await startService({
      name: 'secrets',
      config: readEnv(serviceEnv, await backends.envFor('secrets')),
      modules: [BusModule.of('secrets', backends.nats.url)],
      entities: [...busEntities],
      migrations: [...busMigrations],
      transports: (app) => busTransports(app).slice(1),
    });
  });
  afterAll(async () => {
    await service?.close();
    await backends?.stop();
  });

  async function say(def: EventDef, data: object): Promise<void> {
    const event = {
      specversion: '1.0',
      id: '0190f3c2-a1b2-7c3d-8e4f-5a6b7c8d9e0f',
      source: 'lineclear/auth',
      time: new Date().toISOString(),
      subject: 'user/7',
      type: def.name,
      data,
    };
    const { connection } = service.app.get(Bus);
    await connection.flush();
    connection.publish(def.subject, JSON.stringify(event));
  }

  it('asks once a minute, passes nobody when auth is away and the minute is over, and forgets at once what changed', async () => {
    const clock = new TestClock();
    const register = new Register();
    const principals = new Principals(register, service.app.get(Bus), clock, 60);

    expect(
      (await Promise.all([principals.of(token), principals.of(token)])).map(
        ({ principal }) => principal?.username,
      ),
    ).toEqual(['ada', 'ada']);
    expect(register.asked).toBe(1);
    register.away = true;
    clock.ms += 59_000;
    expect((await principals.of(token)).principal?.username).toBe('ada');
    clock.ms += 1_000;
    await expect(principals.of(token)).rejects.toThrow(Unavailable);

    register.away = false;
    await principals.of(token);
    register.known = null;
    await say(principalChanged, { user_id: 7 });
    await vi.waitFor(async () => expect((await principals.of(token)).principal).toBeNull());
  });

  it.each([
    [['lead', 'researcher'] satisfies Level[], true],
    [undefined, true],
    [['lead', 'viewer'] satisfies Level[], false],
  ])('forgets at once everyone of the levels %j: a researcher %s', async (levels, isForgotten) => {
    const [clock, register] = [new TestClock(), new Register()];
    const principals = new Principals(register, service.app.get(Bus), clock, 60);
    await principals.of(token);
    await say(principalsChanged, levels ? { levels } : {});
    // Events come in the order in which they were said: this one is about somebody else, who is asked for once more.
    const other: Token = { kind: 'api_key', sha256: hashToken('lc_other') };
    register.known = { ...ada(), user_id: 8, level: 'admin' };
    await principals.of(other);
    register.known = null;
    await say(principalChanged, { user_id: 8 });
    await vi.waitFor(async () => expect((await principals.of(other)).principal).toBeNull());
    expect((await principals.of(token)).principal === null).toBe(isForgotten);
  });

  it('remembers as many as it may, those who came last, and tells the metrics', async () => {
    const [register, metrics] = [new Register(), new Metrics('test')];
    const principals = new Principals(register, service.app.get(Bus), new TestClock(), 60, metrics);
    const tokens = Array.from({ length: MAX_PRINCIPALS + 1 }, (_, n): Token => ({
      kind: 'api_key',
      sha256: hashToken(`lc_${n}`),
    }));
    for (const one of tokens) await principals.of(one);
    await principals.of(tokens[1]!);
    expect(register.asked).toBe(MAX_PRINCIPALS + 1);
    await principals.of(tokens[0]!);
    expect(register.asked).toBe(MAX_PRINCIPALS + 2);
    const text = await metrics.registry.metrics();
    for (const line of [
      'hits_total{cache="principals",service="test"} 1',
      `entries{cache="principals",service="test"} 500`,
    ])
      expect(text).toContain(`lineclear_cache_${line}`);
  });

  it('believes no one past the end of their key', async () => {
    const clock = new TestClock();
    const register = new Register();
    register.known = { ...ada(), expires_at: new Date(clock.ms + 10_000).toISOString() };
    const principals = new Principals(register, service.app.get(Bus), clock, 60);
    expect((await principals.of(token)).principal).not.toBeNull();
    clock.ms += 10_000;
    expect((await principals.of(token)).principal).toBeNull();
  });
});
