import { auditRecorded } from '@lineclear/contracts';
import { expectProblem, type Person } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { emptyQueue, openHouse, recount, type House } from './house.js';

let house: House;
let admin: Person;
let ada: Person;
let ben: Person;

beforeAll(async () => {
  house = await openHouse();
  admin = house.folk.add('admin');
  ada = house.folk.add('researcher');
  ben = house.folk.add('researcher');
  await house.as(admin).put('/api/cloud/providers/local/config', {
    hardware: {
      local: { cost_per_hour_usd: 0 },
      a100: { cost_per_hour_usd: 2 },
      a100x8: { cost_per_hour_usd: 16, gpus: 8 },
    },
  });
});
beforeEach(async () => {
  await emptyQueue(house);
  await house.as(admin).put('/api/queue/policy', {
    is_paused: false,
    half_life_hours: 168,
    starvation_threshold_minutes: 60,
    guard_every: 4,
  });
  await house.limits({ max_concurrent: 1, user_max_concurrent: 50 });
});
afterAll(() => house?.close());

const submit = async (person: Person, more: object = {}): Promise<string> => {
  const { status, body } = await house.submit(person, more);
  expect(status).toBe(202);
  return body.job_id;
};
/** Holds the one slot until it is let go. */
async function blocker(): Promise<string> {
  const id = await submit(house.folk.add('researcher'));
  await vi.waitFor(async () => expect(await house.status(id)).toBe('dispatching'));
  return id;
}
/** Ends what runs, again and again; the jobs in the order in which they went. */
async function order(first: string, jobs: number): Promise<string[]> {
  const went: string[] = [];
  let running = first;
  for (let n = 0; n < jobs; n += 1) {
    await house.ended(running);
    await vi.waitFor(async () => {
      const rows = await house.service.database.query<{ id: string }>(
        `select id from jobs where state = 'dispatching'`,
      );
      expect(rows.map(({ id }) => id)).toHaveLength(1);
      expect([first, ...went]).not.toContain(rows[0]!.id);
      running = rows[0]!.id;
    });
    went.push(running);
  }
  expect(await recount(house)).toEqual([]);
  return went;
}
const audits = (action: string): object[] =>
  house.peer.events(auditRecorded).flatMap(({ data }) => (data.action === action ? [data] : []));

it('goes round between users who used the same, and lets who used less go first', async () => {
  const first = await blocker();
  const [a1, a2, a3, b1] = [await submit(ada), await submit(ada), await submit(ada), await submit(ben)];
  expect(await order(first, 4)).toEqual([a1, b1, a2, a3]);
});

it('lets an administrator’s word change the real order, and take it back', async () => {
  const first = await blocker();
  const [a1, b1, b2] = [await submit(ada), await submit(ben), await submit(ben)];
  const set = async (job: string, priority: number | null) =>
    (await house.as(admin).post(`/api/queue/${job}/priority`, { priority })).body;
  expect(await set(b2, 90)).toEqual({
    success: true,
    job_id: b2,
    previous_effective_priority: 40,
    new_effective_priority: 90,
    priority_override: 90,
  });
  await set(a1, 80);
  expect(await set(a1, null)).toMatchObject({ previous_effective_priority: 80, new_effective_priority: 40 });
  expect(await recount(house)).toEqual([]);
  expect(await order(first, 3)).toEqual([b2, a1, b1]);
  await vi.waitFor(() =>
    expect(audits('job.priority_changed')).toContainEqual(
      expect.objectContaining({
        target: `job/${b2}`,
        details: expect.objectContaining({ priority: { from: 40, to: 90 } }),
      }),
    ),
  );
  expect((await house.as(admin).post(`/api/queue/${b2}/priority`, { priority: 1 })).status).toBe(409);
  expect((await house.as(ada).post(`/api/queue/${b1}/priority`, { priority: 1 })).status).toBe(403);
  const bad = await house.as(admin).post(`/api/queue/${b1}/priority`, { priority: 'first' });
  expect(bad.status).toBe(400);
  expectProblem(bad, 'priority', 'priority');
});

it('lets people order their own jobs, and nobody else’s', async () => {
  const first = await blocker();
  const [a1, a2, a3, b1] = [await submit(ada), await submit(ada), await submit(ada), await submit(ben)];
  expect((await house.as(ada).post('/api/queue/me/order', { job_ids: [a3, a1] })).status).toBe(200);
  expect((await house.as(ada).post('/api/queue/me/order', { job_ids: [a1, b1] })).status).toBe(404);
  expect((await house.as(ada).post('/api/queue/me/order', { job_ids: [a1, a1] })).status).toBe(400);
  expect(await recount(house)).toEqual([]);
  expect(await order(first, 4)).toEqual([a3, b1, a2, a1]);
});

it('orders no job that follows another which has not ended: it has no place yet', async () => {
  const first = await blocker();
  const [a1, a2] = [await submit(ada), await submit(ada)];
  const follows = await submit(ada, { depends_on: [{ job_id: a1 }] });
  const answer = await house.as(ada).post('/api/queue/me/order', { job_ids: [follows, a1] });
  expect(await order(first, 3)).toEqual([a1, a2, follows]);
  expect(answer.status).toBe(409);
});

it('keeps a job that is on hold from going until it is released', async () => {
  const first = await blocker();
  const [a1, a2] = [await submit(ada), await submit(ada)];
  expect((await house.as(ada).post(`/api/queue/${a1}/hold`)).body).toEqual({
    job_id: a1,
    status: 'queued',
    on_hold: true,
  });
  expect((await house.as(ada).post(`/api/queue/${a1}/hold`)).status).toBe(200);
  expect((await house.as(ben).post(`/api/queue/${a1}/hold`)).status).toBe(404);
  expect((await house.as(ada).get(`/api/cloud/jobs/${a1}`)).body.waits_for).toContain('release');
  expect(await order(first, 1)).toEqual([a2]);
  await house.ended(a2);
  await vi.waitFor(async () => expect(await house.status(a2)).toBe('completed'));
  expect(await house.status(a1)).toBe('queued');
  expect(await recount(house)).toEqual([]);
  expect((await house.as(ada).post(`/api/queue/${a1}/release`)).body).toMatchObject({ on_hold: false });
  await vi.waitFor(async () => expect(await house.status(a1)).toBe('dispatching'));
  expect((await house.as(ada).post(`/api/queue/${a1}/hold`)).status).toBe(409);
  expect(await recount(house)).toEqual([]);
});

it('ends a job that is on hold when its owner wants it no more', async () => {
  await blocker();
  const job = await submit(ada);
  await house.as(ada).post(`/api/queue/${job}/hold`);
  expect((await house.as(ada).post(`/api/queue/${job}/cancel`)).body.status).toBe('cancelled');
  expect(await recount(house)).toEqual([]);
});

it('shows people what runs of theirs, however much of theirs waits', async () => {
  const running = await submit(ada);
  await vi.waitFor(async () => expect(await house.status(running)).toBe('dispatching'));
  const { status } = await house.as(ada).post('/api/cloud/local/arrays', {
    config_name: 'sweep',
    config: { command: ['true', '{{n}}'] },
    hardware: 'local',
    parameters: { n: Array.from({ length: 501 }, (_, n) => `${n}`) },
  });
  expect(status).toBe(202);
  const { body } = await house.as(ada).get('/api/queue/me');
  expect(body.pending_jobs).toHaveLength(10);
  expect(body).toMatchObject({
    pending_count: 501,
    running_count: 1,
    best_position: 1,
    running_jobs: [{ job_id: running }],
  });
});

it('knows an id that no row can have', async () => {
  const by = house.as(admin);
  for (const answer of [
    await by.put('/api/queue/guarantees/org/2147483648', { jobs: 1 }),
    await by.delete('/api/queue/maintenance/2147483648'),
  ]) {
    expect(answer.status).toBe(400);
    expectProblem(answer, 'an id too large', 'id');
  }
});

it('keeps within the GPUs of a kind of machine, and hides nobody behind a big job', async () => {
  await house.limits({ max_concurrent: 20, user_max_concurrent: 20 });
  const limit = (kind: string, name: string, body: object) =>
    house.as(admin).put(`/api/queue/pools/${kind}/${name}`, body);
  expect((await limit('hardware', 'a100*', { at_most: 9 })).body).toEqual({
    kind: 'hardware',
    name: 'a100*',
    at_most: 9,
    is_paused: false,
  });
  const [small, big, other, elsewhere] = [
    await submit(ada, { hardware: 'a100' }),
    await submit(ada, { hardware: 'a100x8' }),
    await submit(ada, { hardware: 'a100x8' }),
    await submit(ada),
  ];
  for (const id of [small, big, elsewhere])
    await vi.waitFor(async () => expect(await house.status(id)).toBe('dispatching'));
  expect(await house.status(other)).toBe('queued');
  expect((await house.as(ada).get(`/api/cloud/jobs/${other}`)).body.waiting).toEqual({
    reason: 'pool_full',
    limit: 'hardware:a100*',
  });
  const { pools, limits } = (await house.as(admin).get('/api/queue/pools')).body;
  expect(limits).toHaveLength(1);
  expect(pools).toContainEqual({ provider: 'local', hardware: 'a100x8', gpus: 8, running: 1, queued: 1 });
  await house.ended(big);
  await vi.waitFor(async () => expect(await house.status(other)).toBe('dispatching'));
  expect(await recount(house)).toEqual([]);
  expect((await limit('hardware', '*a100', { at_most: 1 })).status).toBe(400);
  expect((await limit('hardware', 'a100*', {})).status).toBe(400);
  expect((await house.as(ada).put('/api/queue/pools/provider/local', { at_most: 1 })).status).toBe(403);
});

it.each([
  [
    'a provider',
    { reason: 'pool_paused', limit: 'provider:local' },
    () => house.as(admin).put('/api/queue/pools/provider/local', { is_paused: true }),
    () => house.as(admin).put('/api/queue/pools/provider/local', { is_paused: false }),
  ],
  [
    'everything',
    { reason: 'queue_paused', limit: null },
    () => house.as(admin).put('/api/queue/policy', { is_paused: true }),
    () => house.as(admin).put('/api/queue/policy', { is_paused: false }),
  ],
] as const)(
  'lets nothing new in while %s is paused, and all of it afterwards',
  async (_, keeps, pause, resume) => {
    await house.limits({ max_concurrent: 20, user_max_concurrent: 20 });
    expect((await pause()).status).toBe(200);
    const [a1, b1] = [await submit(ada), await submit(ben)];
    expect([await house.status(a1), await house.status(b1)]).toEqual(['queued', 'queued']);
    const { waiting } = (await house.as(ada).get(`/api/cloud/jobs/${a1}`)).body;
    expect(waiting).toEqual(keeps);
    await resume();
    for (const id of [a1, b1])
      await vi.waitFor(async () => expect(await house.status(id)).toBe('dispatching'));
    expect(await recount(house)).toEqual([]);
  },
);

it('lets whoever borrows go after those that have slots of their own left', async () => {
  const member = (org: number): Person =>
    house.folk.add('researcher', { org: { id: org, slug: `org-${org}` } });
  const [one, two] = [member(1), member(2)];
  for (const [id, jobs] of [
    [1, 0],
    [2, 5],
  ])
    expect((await house.as(admin).put(`/api/queue/guarantees/org/${id}`, { jobs })).status).toBe(200);
  const first = await blocker();
  const borrowed = await submit(one);
  const own = [await submit(two), await submit(two)];
  expect(await order(first, 3)).toEqual([...own, borrowed]);
});

it('lets a job that waited too long go before a higher band, in the share of the guard', async () => {
  await house.as(admin).put('/api/queue/policy', { starvation_threshold_minutes: 1, guard_every: 2 });
  const first = await blocker();
  const viewer = await submit(house.folk.add('viewer', { permissions: ['job.submit', 'job.view.own'] }));
  const admins = [await submit(admin), await submit(admin), await submit(admin)];
  await house.service.database.tx(async (tx) => {
    await tx.query(
      `update lanes set head_queued_at = head_queued_at - interval '2 minutes' where level = 'viewer'`,
    );
    await tx.query(
      `update branches b set oldest = oldest - interval '2 minutes' where band = (select min(band) from lanes where level = 'viewer')`,
    );
    await tx.query('update limits set decisions = 0');
  });
  expect(await order(first, 4)).toEqual([admins[0], viewer, admins[1], admins[2]]);
});

it('forgets what was used by the half-life that is set, without changing who used more', async () => {
  const first = await blocker();
  const [a1] = [await submit(ada)];
  expect(await order(first, 1)).toEqual([a1]);
  const [a2, b1] = [await submit(ada), await submit(ben)];
  const answer = await house.as(admin).put('/api/queue/policy', { half_life_hours: 24 });
  expect(answer.body).toMatchObject({ half_life_hours: 24, guard_every: 4 });
  expect(await order(a1, 2)).toEqual([b1, a2]);
  const used = await house.service.database.query<{ used: number }>('select used from shares');
  for (const { used: key } of used) expect(Math.abs(key - Date.now() / 1_000 / 86_400)).toBeLessThan(60);
});
