import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { auditRecorded, costExceeded, costWarning, providerChanged } from '@lineclear/contracts';
import { client, type Person } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Sweep } from '../src/jobs/sweep.js';
import { JOB, emptyQueue, openHouse, recount, type House } from './house.js';

let house: House;
let admin: Person;
let ada: Person;
let ben: Person;
const PRICES = { local: { cost_per_hour_usd: 0 }, gpu: { cost_per_hour_usd: 10 } };
const OFF = { cost_limit_enabled: false, cost_limit_period: 'monthly', cost_limit_action: 'warn' };

beforeAll(async () => {
  const config = join(mkdtempSync(join(tmpdir(), 'lineclear-costs-')), 'lineclear.yaml');
  writeFileSync(config, JSON.stringify({ providers: { spare: { type: 'local', hardware: PRICES } } }));
  house = await openHouse({ LINECLEAR_CONFIG: config });
  admin = house.folk.add('admin');
  ada = house.folk.add('researcher');
  ben = house.folk.add('researcher');
  await configure({ hardware: PRICES });
});
afterAll(() => house?.close());
beforeEach(async () => {
  await emptyQueue(house);
  await configure(OFF);
  await configure(OFF, 'spare');
  await house.limits({ max_concurrent: 100, user_max_concurrent: 100 });
});

async function configure(body: object, provider = 'local') {
  const answer = await house.as(admin).put(`/api/cloud/providers/${provider}/config`, body);
  expect(answer.status).toBe(200);
  return answer.body;
}
const limit = (amount: number, action = 'block', more: object = {}): Promise<unknown> =>
  configure({
    cost_limit_enabled: true,
    cost_limit_amount: amount,
    cost_limit_action: action,
    ...more,
  });
/** Costs $10. */
const GPU_HOUR = { hardware: 'gpu', estimated_duration_seconds: 3_600 };
const submit = (person: Person, more: object = {}) => house.submit(person, { ...GPU_HOUR, ...more });
async function accepted(person: Person, more: object = {}): Promise<string> {
  const { status, body } = await submit(person, more);
  expect(status).toBe(202);
  return body.job_id;
}
const soon = (jobId: string, state: string): Promise<void> =>
  vi.waitFor(async () => expect(await house.status(jobId)).toBe(state));
const running = async (): Promise<number> =>
  (await house.service.database.query(`select 1 from jobs where state = 'dispatching'`)).length;
const standing = async (provider = 'local') => {
  const { status, body } = await house
    .as(ada)
    .get(`/api/cloud/metrics/cost-limit-status?provider=${provider}`);
  expect([status, body.total]).toEqual([200, 1]);
  return body.providers[0];
};
const waitOf = async (jobId: string) =>
  (await house.as(admin).get(`/api/cloud/jobs/${jobId}`)).body as {
    waiting: { reason: string; limit: string | null } | null;
    waits_for: string;
  };
/** What was told of limits of these amounts, which no other test sets. */
function told(...amounts: number[]) {
  const ofThem = <T extends { limit_amount: number }>(events: readonly { data: T }[]): T[] =>
    events.flatMap(({ data }) => (amounts.includes(data.limit_amount) ? [data] : []));
  return {
    warnings: ofThem(house.peer.events(costWarning)),
    exceeded: ofThem(house.peer.events(costExceeded)),
  };
}

describe('what is set', () => {
  it('is set field by field, shown, and told to the audit log from what to what', async () => {
    const first = await configure({ cost_limit_enabled: true, cost_limit_amount: 500 });
    expect(first).toEqual({
      provider: 'local',
      hardware: PRICES,
      cost_limit_enabled: true,
      cost_limit_amount: 500,
      cost_limit_period: 'monthly',
      cost_limit_action: 'warn',
    });
    const second = await configure({ cost_limit_amount: 20, cost_limit_period: 'weekly' });
    expect(second).toEqual({ ...first, cost_limit_amount: 20, cost_limit_period: 'weekly' });
    const third = await configure({ hardware: { ...PRICES, tpu: { cost_per_hour_usd: 1 } } });
    expect(third).toEqual({ ...second, hardware: { ...PRICES, tpu: { cost_per_hour_usd: 1 } } });
    expect((await house.as(admin).get('/api/cloud/providers/local/config')).body).toEqual(third);
    await vi.waitFor(() =>
      expect(house.peer.events(auditRecorded).map(({ data }) => data)).toContainEqual(
        expect.objectContaining({
          action: 'provider.cost_limit_changed',
          target: 'provider/local',
          actor: expect.objectContaining({ user_id: admin.principal.user_id }),
          details: { amount: { from: 500, to: 20 }, period: { from: 'monthly', to: 'weekly' } },
        }),
      ),
    );
    expect(house.peer.events(providerChanged).length).toBeGreaterThan(0);
    await configure({ hardware: PRICES });
  });

  it.each<[string, object]>([
    ['cost_limit_amount', { cost_limit_amount: -1 }],
    ['cost_limit_amount', { cost_limit_amount: '500' }],
    ['cost_limit_amount', { cost_limit_amount: null }],
    ['cost_limit_period', { cost_limit_period: 'yearly' }],
    ['cost_limit_action', { cost_limit_action: 'require_approval' }],
    ['cost_limit_enabled', { cost_limit_enabled: 'yes' }],
    ['', {}],
    ['cost_limit_max', { cost_limit_max: 1 }],
  ])('is refused by the name of %j: %j', async (path, body) => {
    const answer = await house.as(admin).put('/api/cloud/providers/local/config', body);
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.body.errors)).toContain(path);
  });

  it('takes an amount to be in force', async () => {
    const answer = await house
      .as(admin)
      .put('/api/cloud/providers/spare/config', { cost_limit_enabled: true });
    expect([answer.status, answer.body.errors]).toEqual([
      400,
      [{ path: 'cost_limit_amount', message: 'is needed for a limit that is enabled' }],
    ]);
    expect(await standing('spare')).toMatchObject({ enabled: false, limit_amount: null });
    expect((await house.as(ada).put('/api/cloud/providers/local/config', OFF)).status).toBe(403);
  });
});

describe('a submit', () => {
  it('is refused by what blocks, however many come at once, and nothing of it is stored', async () => {
    const replica = await house.replica();
    await limit(100);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        client(n % 2 ? replica.url : house.service.url, (n % 3 ? ada : ben).token).post(
          '/api/cloud/local/submit',
          { ...JOB, ...GPU_HOUR },
        ),
      ),
    );
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(10);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(30);
    expect(refused[0]!.body).toMatchObject({
      code: 'cost_limit_exceeded',
      errors: [
        {
          path: 'cost_limit',
          message: expect.stringMatching(
            /^the cost limit of local \(\$100\.00 a month\) does not leave enough: with this job it would be \$110\.00; it starts anew at \d{4}-\d\d-01T00:00:00\.000Z$/,
          ),
        },
      ],
    });
    expect(Number(refused[0]!.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await house.service.database.query('select 1 from jobs')).toHaveLength(10);
    // What costs nothing goes, and so does what runs elsewhere.
    expect((await house.submit(ada)).status).toBe(202);
    expect((await house.as(ada).post('/api/cloud/spare/submit', { ...JOB, ...GPU_HOUR })).status).toBe(202);
    expect(await recount(house)).toEqual([]);
    expect(await standing()).toMatchObject({
      enabled: true,
      limit_amount: 100,
      period: 'monthly',
      action: 'block',
      percent_used: 100,
      is_exceeded: true,
      is_warning: false,
    });
    await vi.waitFor(() => expect(told(100).exceeded).toHaveLength(1));
  });

  it('counts what waits, what runs, and what it really was', async () => {
    await limit(30);
    await house.limits({ max_concurrent: 1, user_max_concurrent: 1 });
    const ids = [await accepted(ada), await accepted(ada), await accepted(ada)];
    expect((await submit(ben, { estimated_duration_seconds: 1 })).status).toBe(429);
    await soon(ids[0]!, 'dispatching');
    expect(await standing()).toMatchObject({ current_spend: 10, waiting: 20, percent_used: 100 });
    // It cost $4, not $10: $6 are back.
    await house.ended(ids[0]!, 'succeeded', { cost_usd: 4 });
    await soon(ids[0]!, 'completed');
    expect((await submit(ben, { estimated_duration_seconds: 2_200 })).status).toBe(429);
    await accepted(ben, { estimated_duration_seconds: 2_100 });
    // One that waits is cancelled: all of it is back.
    await house.as(ada).post(`/api/cloud/jobs/${ids[2]}/cancel`);
    await accepted(ben, { estimated_duration_seconds: 3_500 });
    expect(await recount(house)).toEqual([]);
  });

  it('is let in with a warning by what warns, and tells admins alone by what notifies', async () => {
    await limit(15, 'warn');
    const near = await submit(ada);
    expect([near.status, near.body.warnings]).toEqual([202, []]);
    await soon(near.body.job_id, 'dispatching');
    const beyond = await submit(ada);
    expect(beyond.status).toBe(202);
    expect(beyond.body.warnings).toEqual([
      expect.stringContaining('the cost limit of local ($15.00 a month) does not leave enough'),
    ]);
    await soon(beyond.body.job_id, 'dispatching');
    await limit(25, 'notify');
    const quiet = await submit(ada);
    expect([quiet.status, quiet.body.warnings]).toEqual([202, []]);
    await soon(quiet.body.job_id, 'dispatching');
    await vi.waitFor(() =>
      expect(told(25).exceeded).toMatchObject([{ action: 'notify', percent_used: 120, refused: false }]),
    );
  });

  it('is refused by a quota and a limit together, by both names', async () => {
    const { database } = house.service;
    await database.query(
      `insert into quotas (scope, subject, quota_type, limit_value, action, version) values ('global', '*', 'cost_daily', 5, 'block', 1)`,
    );
    await limit(5);
    const { status, body } = await submit(ada);
    expect([status, body.code]).toEqual([429, 'too_many_requests']);
    expect(body.errors.map(({ path }: { path: string }) => path)).toEqual(['quota', 'cost_limit']);
  });
});

describe('a claim', () => {
  /** So many jobs in the queue, and a house that lets one in that costs nothing. */
  async function queued(people: readonly Person[]): Promise<string[]> {
    await house.limits({ max_concurrent: 1, user_max_concurrent: 100 });
    await soon((await house.submit(house.folk.add('researcher'))).body.job_id, 'dispatching');
    const ids: string[] = [];
    for (const person of people) ids.push(await accepted(person));
    return ids;
  }
  const openUp = () => house.limits({ max_concurrent: 100, user_max_concurrent: 100 });

  it('takes no more than a lowered limit leaves, with two replicas, and all once it is raised on another', async () => {
    const replica = await house.replica();
    const people = [ada, ben, house.folk.add('researcher'), house.folk.add('lead')];
    const ids = await queued(Array.from({ length: 20 }, (_, n) => people[n % 4]!));
    await limit(70);
    await openUp();
    await vi.waitFor(async () => expect(await running()).toBe(1 + 7));
    const [held] = await house.service.database.query<{ id: string }>(
      `select id from jobs where state = 'queued' order by ord limit 1`,
    );
    await vi.waitFor(async () =>
      expect((await waitOf(held!.id)).waiting).toEqual({ reason: 'budget', limit: 'cost:local' }),
    );
    expect((await waitOf(held!.id)).waits_for).toContain('money: the limit cost:local leaves none for it');
    expect(await running()).toBe(1 + 7);
    expect(await standing()).toMatchObject({ current_spend: 70, waiting: 130 });
    expect(await recount(house)).toEqual([]);
    await client(replica.url, admin.token).put('/api/cloud/providers/local/config', {
      cost_limit_amount: 200,
    });
    await vi.waitFor(async () => expect(await running()).toBe(1 + ids.length));
    expect(await recount(house)).toEqual([]);
  });

  it('goes on with money that comes back, whoever had it, and elsewhere at once', async () => {
    const [first, second] = await queued([ada, ben]);
    const elsewhere = (await house.as(ben).post('/api/cloud/spare/submit', { ...JOB, ...GPU_HOUR })).body
      .job_id as string;
    await limit(12);
    await openUp();
    await soon(elsewhere, 'dispatching');
    await vi.waitFor(async () => expect(await running()).toBe(3));
    const [goes, waits] =
      (await house.status(first!)) === 'dispatching' ? [first!, second!] : [second!, first!];
    await vi.waitFor(async () => expect((await waitOf(waits)).waiting?.reason).toBe('budget'));
    await house.ended(goes, 'succeeded', { cost_usd: 2 });
    await soon(waits, 'dispatching');
    expect(await recount(house)).toEqual([]);
  });

  it('goes on in the next period', async () => {
    const ids = await queued([ada, ada]);
    await limit(10.5, 'block', { cost_limit_period: 'daily' });
    await openUp();
    await soon(ids[0]!, 'dispatching');
    await vi.waitFor(async () => expect((await waitOf(ids[1]!)).waiting?.limit).toBe('cost:local'));
    // A day goes by.
    await house.service.database.tx(async (tx) => {
      await tx.query(`update provider_spend set day = day - interval '1 day' where day < 'infinity'`);
      await tx.query(`update lanes set held_until = now() where held_until is not null`);
    });
    await soon(ids[1]!, 'dispatching');
  });

  it('lets a cheap job go behind a costly one that is cancelled', async () => {
    const [costly] = await queued([ada]);
    const cheap = await accepted(ada, { estimated_duration_seconds: 60 });
    await limit(5);
    await openUp();
    await vi.waitFor(async () => expect((await waitOf(costly!)).waiting?.limit).toBe('cost:local'));
    expect(await house.status(cheap)).toBe('queued');
    await house.as(ada).post(`/api/cloud/jobs/${costly}/cancel`);
    await soon(cheap, 'dispatching');
    expect(await recount(house)).toEqual([]);
  });
});

describe('what is told', () => {
  it('is most of it used, then all of it', async () => {
    await limit(19, 'block');
    await accepted(ada);
    await accepted(ben, { estimated_duration_seconds: 2_160 });
    await vi.waitFor(() =>
      expect(told(19)).toMatchObject({
        warnings: [{ provider: 'local', period: 'monthly', action: 'block', percent_used: 84.21 }],
        exceeded: [],
      }),
    );
    expect((await submit(ben)).status).toBe(429);
    await vi.waitFor(() => expect(told(19).exceeded).toMatchObject([{ refused: true, percent_used: 84.21 }]));
    expect((await submit(ada)).status).toBe(429);
    await accepted(ada, { estimated_duration_seconds: 1_080 });
    expect([told(19).warnings.length, told(19).exceeded.length]).toEqual([1, 1]);
  });

  it('is told once in a period, and anew when the limit is raised', async () => {
    const news = () => told(9, 10, 37);
    await limit(10, 'notify');
    await accepted(ada);
    await accepted(ada);
    await vi.waitFor(() => expect(news().exceeded).toHaveLength(1));
    // Lowered: nobody needs to hear it again.
    await limit(9, 'notify');
    await accepted(ada);
    // Raised: most of it is used at once, and soon all of it.
    await limit(37, 'notify');
    await vi.waitFor(() => expect(news().warnings).toMatchObject([{ limit_amount: 37, current_spend: 30 }]));
    await accepted(ada);
    await vi.waitFor(() => expect(news().exceeded).toHaveLength(2));
    expect(news().exceeded.map(({ limit_amount }) => limit_amount)).toEqual([10, 37]);
    expect(news().warnings).toHaveLength(1);
  });

  it('is told at once of a limit that what is spent is beyond, and of a run that costs more than was thought', async () => {
    const id = await accepted(ada);
    await soon(id, 'dispatching');
    await limit(9.5, 'notify');
    await vi.waitFor(() => expect(told(9.5).exceeded).toMatchObject([{ current_spend: 10 }]));
    await limit(99, 'notify');
    await house.ended(id, 'succeeded', { cost_usd: 101 });
    await vi.waitFor(() => expect(told(99).exceeded).toMatchObject([{ current_spend: 101 }]));
    expect(told(99).warnings).toEqual([]);
  });

  it('is not most of it again when money comes back of a limit that was used up', async () => {
    await limit(12.5, 'notify');
    const id = await accepted(ada, { estimated_duration_seconds: 4_500 });
    await soon(id, 'dispatching');
    await house.ended(id, 'succeeded', { cost_usd: 11 });
    await soon(id, 'completed');
    await limit(13.5, 'notify');
    await vi.waitFor(() => expect(told(13.5).warnings).toMatchObject([{ current_spend: 11 }]));
    expect(told(12.5)).toMatchObject({ warnings: [], exceeded: [{ refused: false }] });
  });
});

it('counts a day, a week or a month, and what is before it no more', async () => {
  const { database } = house.service;
  const ago = (days: number): Date => new Date(Date.now() - days * 86_400_000);
  await database.query(
    'insert into provider_spend (provider, day, usd) select $1, unnest($2::timestamptz[]), 5',
    ['local', [ago(40), ago(8)].map((at) => at.toISOString().slice(0, 10) + 'T00:00:00Z')],
  );
  await accepted(ada);
  await vi.waitFor(async () => expect(await running()).toBe(1));
  for (const period of ['daily', 'weekly']) {
    await limit(100, 'warn', { cost_limit_period: period });
    expect(await standing()).toMatchObject({ period, current_spend: 10, percent_used: 10 });
  }
  await limit(100, 'warn', { cost_limit_period: 'monthly' });
  expect((await standing()).current_spend).toBe(
    new Date(ago(8)).getUTCMonth() === new Date().getUTCMonth() ? 15 : 10,
  );
});

it('shows how limits stand, and has a gauge for them', async () => {
  await limit(20, 'warn');
  await accepted(ada);
  await accepted(ada, { estimated_duration_seconds: 2_160 });
  expect(await standing()).toMatchObject({
    percent_used: 80,
    is_exceeded: false,
    is_warning: true,
    message: expect.stringMatching(
      /^approaching the cost limit: \$16\.00 of \$20\.00 a month are used on local/,
    ),
  });
  const { body } = await house.as(ada).get('/api/cloud/metrics/cost-limit-status');
  expect(body.providers.map(({ provider }: { provider: string }) => provider)).toEqual(['local', 'spare']);
  expect(body.providers[1]).toMatchObject({
    enabled: false,
    percent_used: 0,
    message: 'spare has no cost limit',
  });
  const metrics = (await house.as(ada).get('/api/cloud/metrics/prometheus')).body as string;
  expect(metrics).toMatch(/^lineclear_cost_limit_percent_used\{provider="local".*\} 80$/m);
  expect(metrics).not.toContain('lineclear_cost_limit_percent_used{provider="spare"');
  for (const provider of ['nowhere', 'No!'])
    expect(
      (await house.as(ada).get(`/api/cloud/metrics/cost-limit-status?provider=${provider}`)).status,
    ).toBe(provider === 'nowhere' ? 404 : 400);
  expect((await client(house.service.url).get('/api/cloud/metrics/cost-limit-status')).status).toBe(401);
});

it('forgets days and crossings that no limit looks at any more', async () => {
  const { database, app } = house.service;
  await database.query(`insert into provider_spend (provider, day, usd) values
    ('local', now() - interval '101 days', 1), ('local', now() - interval '99 days', 1), ('local', 'infinity', 1)`);
  await database.query(`insert into costs_told (provider, what, period) values
    ('local', 'exceeded', now() - interval '101 days'), ('local', 'exceeded', now() - interval '99 days')`);
  await app.get(Sweep).process();
  expect(await database.query('select 1 from provider_spend')).toHaveLength(2);
  expect(await database.query('select 1 from costs_told')).toHaveLength(1);
});
