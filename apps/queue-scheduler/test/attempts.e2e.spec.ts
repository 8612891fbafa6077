import { jobAttemptFailed, jobClaimed, jobFailed, type EventOf } from '@lineclear/contracts';
import type { Person } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { emptyQueue, openHouse, recount, type House } from './house.js';

let house: House;
let ada: Person;
let boss: Person;

beforeAll(async () => {
  house = await openHouse();
  ada = house.folk.add('researcher', { username: 'ada' });
  boss = house.folk.add('admin', { username: 'root' });
  const { status } = await house.as(boss).put('/api/cloud/providers/local/config', {
    hardware: {
      small: { cost_per_hour_usd: 1, gpus: 1 },
      big: { cost_per_hour_usd: 4, gpus: 2 },
    },
  });
  expect(status).toBe(200);
});
afterEach(async () => {
  expect(await recount(house)).toEqual([]);
  await emptyQueue(house);
  await house.limits({ max_concurrent: 5, user_max_concurrent: 5 });
});
afterAll(() => house?.close());

const RETRY = { max_attempts: 3, backoff_seconds: 0 };
const submit = async (more: object = {}): Promise<string> => {
  const { status, body } = await house.submit(ada, { hardware: 'small', retry: RETRY, ...more });
  expect({ status, body }).toMatchObject({ status: 202 });
  return body.job_id;
};
const expectSoon = (jobId: string, seen: object): Promise<void> =>
  vi.waitFor(async () => expect(await house.row(jobId)).toMatchObject(seen));
const expectClaimed = (jobId: string, attempt: number): Promise<void> =>
  expectSoon(jobId, { state: 'dispatching', attempt });
const claims = (jobId: string): EventOf<typeof jobClaimed>['data'][] =>
  house.peer.events(jobClaimed).flatMap(({ data }) => (data.job_id === jobId ? [data] : []));

it('tries a job again whose run was lost, with its checkpoints, and says so', async () => {
  const id = await submit({ checkpoint_path: 's3://kept/here' });
  await expectClaimed(id, 1);
  await house.started(id);
  await house.ended(id, 'failed', { cause: 'preempted', message: 'spot', cost_usd: 0.25 });
  await expectClaimed(id, 2);
  await vi.waitFor(() => expect(claims(id)).toHaveLength(2));
  expect(claims(id)).toMatchObject([
    { attempt: 1, checkpoint_path: 's3://kept/here' },
    { attempt: 2, checkpoint_path: 's3://kept/here' },
  ]);
  expect(claims(id)[0]!.claim_id).not.toBe(claims(id)[1]!.claim_id);
  await vi.waitFor(() => expect(house.peer.events(jobAttemptFailed)).not.toEqual([]));
  expect(house.peer.events(jobAttemptFailed).at(-1)!.data).toMatchObject({
    job_id: id,
    attempt: 1,
    outcome: 'failed',
    cause: 'preempted',
    message: 'spot',
    cost_usd: 0.25,
    hardware: 'small',
  });

  await house.started(id);
  await house.ended(id, 'succeeded', { cost_usd: 1 });
  await expectSoon(id, { state: 'completed' });
  const { body } = await house.as(ada).get(`/api/cloud/jobs/${id}`);
  expect(body).toMatchObject({ attempt: 2, cost_usd: 1.25, attempts: [{ attempt: 1 }, { attempt: 2 }] });
  const { body: steps } = await house.as(ada).get(`/api/cloud/jobs/${id}/timeline`);
  expect(steps.steps.map(({ status }: { status: string }) => status)).toEqual([
    'submitted',
    'queued',
    'dispatching',
    'running',
    'attempt_failed',
    'queued',
    'dispatching',
    'running',
    'completed',
  ]);
  const spent = await house.service.database.query(
    'select attempt, settled_usd from ledger where job_id = $1 order by attempt',
    [id],
  );
  expect(spent).toEqual([
    { attempt: 1, settled_usd: 0.25 },
    { attempt: 2, settled_usd: 1 },
  ]);
});

it('ends once its attempts are used up, for the reason of the last', async () => {
  const id = await submit();
  for (const attempt of [1, 2, 3]) {
    await expectClaimed(id, attempt);
    await house.ended(id, 'failed', { cause: 'infrastructure' });
  }
  await expectSoon(id, { state: 'failed', attempt: 3 });
  await vi.waitFor(() =>
    expect(house.peer.events(jobFailed).filter(({ data }) => data.job_id === id)).toHaveLength(1),
  );
});

it('tries nothing again that nobody asked to, and not what is the fault of the job', async () => {
  const [without, own] = [await submit({ retry: undefined }), await submit()];
  for (const id of [without, own]) await expectClaimed(id, 1);
  await house.ended(without, 'failed', { cause: 'preempted' });
  await house.ended(own, 'failed');
  await expectSoon(without, { state: 'failed' });
  await expectSoon(own, { state: 'failed' });
});

it('waits between attempts, holding nothing, and says until when', async () => {
  const id = await submit({ retry: { ...RETRY, backoff_seconds: 3_600 } });
  await expectClaimed(id, 1);
  await house.ended(id, 'failed', { cause: 'no_capacity' });
  await expectSoon(id, { state: 'queued', attempt: 1, ord: null });
  const { body } = await house.as(ada).get(`/api/cloud/jobs/${id}`);
  expect(body.waiting).toEqual({ reason: 'retry', limit: null });
  expect(new Date(body.not_before).getTime()).toBeGreaterThan(Date.now() + 3_000_000);
  const { body: stats } = await house.as(boss).get('/api/queue/stats');
  expect(stats.running).toBe(0);
  // The pause is over.
  await house.service.database.query(`update jobs set not_before = now() where id = $1`, [id]);
  await expectClaimed(id, 2);
});

it('comes back to the place that it had', async () => {
  await house.limits({ max_concurrent: 1, user_max_concurrent: 1 });
  const first = await submit({ retry: { ...RETRY, backoff_seconds: 0 } });
  await expectClaimed(first, 1);
  const second = await submit();
  await house.as(ada).post(`/api/queue/${second}/hold`);
  await house.ended(first, 'failed', { cause: 'preempted' });
  await expectClaimed(first, 2);
  await house.as(ada).post(`/api/queue/${second}/release`);
  const third = await submit();
  await house.ended(first, 'failed', { cause: 'preempted' });
  await expectClaimed(first, 3);
  expect(await house.status(second)).toBe('queued');
  expect(await house.status(third)).toBe('queued');
});

it('comes back before those that came after it, though it was let in at once', async () => {
  await house.limits({ max_concurrent: 1, user_max_concurrent: 1 });
  const first = await submit();
  await expectClaimed(first, 1);
  const second = await submit();
  await house.ended(first, 'failed', { cause: 'preempted' });
  await expectClaimed(first, 2);
  expect(await house.status(second)).toBe('queued');
});

it('comes back behind the others when it is released, like any job that was on hold', async () => {
  await house.limits({ max_concurrent: 1, user_max_concurrent: 1 });
  const first = await submit({ retry: { ...RETRY, backoff_seconds: 3_600 } });
  await expectClaimed(first, 1);
  const second = await submit();
  await house.ended(first, 'failed', { cause: 'preempted' });
  await expectClaimed(second, 1);
  await house.as(ada).post(`/api/queue/${first}/hold`);
  await house.service.database.query(`update jobs set not_before = now() where id = $1`, [first]);
  await expectSoon(first, { not_before: null });
  const third = await submit();
  await house.as(ada).post(`/api/queue/${first}/release`);
  await house.ended(second);
  await expectClaimed(third, 1);
  expect(await house.status(first)).toBe('queued');
});

it('goes before one that there is no money for, where that was its place', async () => {
  await house.limits({ max_concurrent: 1, user_max_concurrent: 5 });
  const limit = (more: object) => house.as(boss).put('/api/cloud/providers/local/config', more);
  const cheap = await submit({ retry: { ...RETRY, backoff_seconds: 3_600 } });
  await expectClaimed(cheap, 1);
  const costly = await submit({ estimated_duration_seconds: 36_000 });
  await limit({ cost_limit_enabled: true, cost_limit_amount: 5, cost_limit_action: 'block' });
  await house.ended(cheap, 'failed', { cause: 'no_capacity' });
  await vi.waitFor(async () => {
    const { body } = await house.as(ada).get(`/api/cloud/jobs/${costly}`);
    expect(body.waiting).toEqual({ reason: 'budget', limit: 'cost:local' });
  });
  await house.service.database.query(`update jobs set not_before = now() where id = $1`, [cheap]);
  await expectClaimed(cheap, 2);
  await limit({ cost_limit_enabled: false });
});

it('goes to bigger hardware after one that ran out of memory, in the lane and at the price of that', async () => {
  const id = await submit({ retry: { ...RETRY, oom_hardware: ['big'] } });
  await expectClaimed(id, 1);
  await house.ended(id, 'failed', { cause: 'oom' });
  await expectClaimed(id, 2);
  expect(await house.row(id)).toMatchObject({ hardware: 'big', gpus: 2, estimated_cost_usd: 4 });
  await vi.waitFor(() => expect(claims(id).at(-1)).toMatchObject({ hardware: 'big' }));
});

it('asks about the most that all attempts may cost, and about all hardware', async () => {
  const id = await submit({ retry: { ...RETRY, oom_hardware: ['big'] } });
  const { facts } = await house.row(id);
  expect(facts).toMatchObject({ estimated_cost_usd: 12, attempts: 3, also_hardware: ['big'] });
});

it('takes as many attempts as there may be of a job that may be stopped for others, too', async () => {
  const id = await submit({ retry: { ...RETRY, max_attempts: 20 }, preemptible: true });
  const { facts } = await house.row(id);
  expect(facts).toMatchObject({ estimated_cost_usd: 22, attempts: 22 });
});

it('refuses what would cost more than anybody can say yes to', async () => {
  const hardware = { small: { cost_per_hour_usd: 1, gpus: 1 }, big: { cost_per_hour_usd: 4, gpus: 2 } };
  const set = (more: object) =>
    house.as(boss).put('/api/cloud/providers/local/config', { hardware: { ...hardware, ...more } });
  await set({ gold: { cost_per_hour_usd: 100_000 } });
  const { status, body } = await house.submit(ada, {
    hardware: 'gold',
    estimated_duration_seconds: 2_592_000,
    retry: { max_attempts: 20 },
  });
  await set({});
  expect(status).toBe(400);
  expect(body.errors).toMatchObject([{ path: 'estimated_duration_seconds' }]);
});

it.each<[string, object, string]>([
  ['a single attempt', { max_attempts: 1 }, 'retry.max_attempts'],
  ['too many', { max_attempts: 21 }, 'retry.max_attempts'],
  ['an unknown failure', { on: ['bad_luck'] }, 'retry.on.0'],
  ['hardware without a price', { oom_hardware: ['huge'] }, 'retry.oom_hardware'],
  ['the hardware that it begins with', { oom_hardware: ['small'] }, 'retry.oom_hardware'],
])('refuses %s, naming the field', async (_, retry, path) => {
  const { status, body } = await house.submit(ada, { hardware: 'small', retry });
  expect(status).toBe(400);
  expect(body.errors).toMatchObject([{ path }]);
});

it('is cancelled in the pause between attempts', async () => {
  const id = await submit({ retry: { ...RETRY, backoff_seconds: 3_600 } });
  await expectClaimed(id, 1);
  await house.ended(id, 'failed', { cause: 'no_capacity', cost_usd: 0.5 });
  await expectSoon(id, { state: 'queued' });
  const { status } = await house.as(ada).post(`/api/queue/${id}/cancel`);
  expect(status).toBe(202);
  expect(await house.row(id)).toMatchObject({ state: 'cancelled', cost_usd: 0.5 });
  const { body } = await house.as(ada).get(`/api/cloud/jobs/${id}/timeline`);
  expect(body.steps.map(({ status: step }: { status: string }) => step)).toEqual([
    'submitted',
    'queued',
    'dispatching',
    'attempt_failed',
    'queued',
    'cancelled',
  ]);
});
