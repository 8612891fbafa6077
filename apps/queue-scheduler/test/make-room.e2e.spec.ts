import { jobCancelRequested } from '@lineclear/contracts';
import type { Person } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { emptyQueue, openHouse, recount, type House } from './house.js';

let house: House;
let viewer: Person;
let lead: Person;
let boss: Person;

beforeAll(async () => {
  house = await openHouse();
  viewer = house.folk.add('researcher', { username: 'vic' });
  lead = house.folk.add('lead', { username: 'lea' });
  boss = house.folk.add('admin', { username: 'root' });
  await house.as(boss).put('/api/cloud/providers/local/config', {
    hardware: {
      one: { cost_per_hour_usd: 0, gpus: 1 },
      four: { cost_per_hour_usd: 0, gpus: 4 },
      dear: { cost_per_hour_usd: 1, gpus: 1 },
    },
  });
});
beforeEach(async () => {
  expect(await recount(house)).toEqual([]);
  await house.service.database.query('truncate maintenance');
  await emptyQueue(house);
  await house.limits({ max_concurrent: 100, user_max_concurrent: 100 });
  await policy({
    reserves: false,
    preempt_after_minutes: null,
    preempt_min_runtime_minutes: 30,
    starvation_threshold_minutes: 60,
  });
});
afterAll(() => house?.close());

async function policy(more: object): Promise<void> {
  const { status, body } = await house.as(boss).put('/api/queue/policy', more);
  if (status !== 200) throw new Error(JSON.stringify(body));
}
const submit = async (person: Person, more: object = {}): Promise<string> => {
  const { status, body } = await house.submit(person, { hardware: 'one', ...more });
  expect({ status, body }).toMatchObject({ status: 202 });
  return body.job_id;
};
const expectState = (id: string, state: string): Promise<void> =>
  vi.waitFor(async () => expect(await house.status(id)).toBe(state));
const runs = async (id: string): Promise<void> => {
  await expectState(id, 'dispatching');
  await house.started(id);
  await expectState(id, 'running');
};
const costLimit = (more: object) =>
  house.as(boss).put('/api/cloud/providers/local/config', {
    cost_limit_amount: 0,
    cost_limit_action: 'block',
    ...more,
  });
const inMinutes = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString();
const plan = (more: object = {}) =>
  house.as(boss).post('/api/queue/maintenance', {
    kind: 'house',
    starts_at: inMinutes(10),
    ends_at: inMinutes(60),
    reason: 'new network',
    ...more,
  });

describe('maintenance', () => {
  it('lets nothing begin that would not be over by then, says so, and ends when it is taken back', async () => {
    const { status, body: window } = await plan();
    expect(status).toBe(201);
    const long = await submit(viewer, { estimated_duration_seconds: 3_600 });
    const short = await submit(lead, { estimated_duration_seconds: 60 });
    await expectState(short, 'dispatching');
    await vi.waitFor(async () => {
      const { body } = await house.as(viewer).get(`/api/cloud/jobs/${long}`);
      expect(body.waiting).toEqual({ reason: 'maintenance', limit: `maintenance:${window.id}` });
    });
    expect(await house.status(long)).toBe('queued');
    expect((await house.as(boss).delete(`/api/queue/maintenance/${window.id}`)).status).toBe(204);
    await expectState(long, 'dispatching');
  });

  it('is of a provider, or of hardware, alone where it says so', async () => {
    await plan({ kind: 'hardware', name: 'fo*', starts_at: inMinutes(-1) });
    await plan({ kind: 'provider', name: 'elsewhere', starts_at: inMinutes(-1) });
    const four = await submit(viewer, { hardware: 'four' });
    await expectState(await submit(viewer), 'dispatching');
    expect(await house.status(four)).toBe('queued');
  });

  it('stops what runs where it says so, and that goes on when it is over', async () => {
    const id = await submit(viewer);
    await runs(id);
    const { body: window } = await plan({ starts_at: inMinutes(-1), stops_runs: true });
    await expectState(id, 'cancelling');
    await vi.waitFor(() =>
      expect(house.peer.events(jobCancelRequested).map(({ data }) => data.job_id)).toContain(id),
    );
    await house.ended(id, 'cancelled');
    await expectState(id, 'queued');
    expect(await house.row(id)).toMatchObject({
      attempts: [{ is_preempted: true, message: 'maintenance: new network' }],
    });
    await house.as(boss).delete(`/api/queue/maintenance/${window.id}`);
    await expectState(id, 'dispatching');
  });

  it('lists what is going on and to come', async () => {
    await plan({ starts_at: inMinutes(30) });
    await plan({ starts_at: inMinutes(5), kind: 'provider', name: 'acme' });
    const { body } = await house.as(viewer).get('/api/queue/maintenance');
    expect(body.windows).toMatchObject([
      { kind: 'provider', name: 'acme' },
      { kind: 'house', name: '' },
    ]);
  });

  it.each<[string, object, string]>([
    ['an end before the beginning', { ends_at: inMinutes(5) }, 'ends_at'],
    ['one that is over', { starts_at: inMinutes(-9), ends_at: inMinutes(-5) }, 'ends_at'],
    ['no reason', { reason: ' ' }, 'reason'],
    ['a provider without a name', { kind: 'provider' }, 'name'],
  ])('refuses %s', async (_, more, path) => {
    const { status, body } = await plan(more);
    expect({ status, path: body.errors?.[0]?.path }).toEqual({ status: 400, path });
  });
});

describe('preemption', () => {
  const full = async (preemptible: boolean): Promise<string> => {
    await house.limits({ max_concurrent: 1, user_max_concurrent: 100 });
    const id = await submit(viewer, { preemptible });
    await runs(id);
    return id;
  };

  it('stops a run whose owner lets it for a job of a higher level, which goes; then it comes back', async () => {
    await policy({ preempt_after_minutes: 0, preempt_min_runtime_minutes: 0 });
    const low = await full(true);
    const high = await submit(lead);
    await expectState(low, 'cancelling');
    expect(await house.row(low)).toMatchObject({
      stopped_for: `stopped for ${high}, which is of a higher level`,
    });
    await house.ended(low, 'cancelled');
    await expectState(high, 'dispatching');
    expect(await house.status(low)).toBe('queued');
    await house.ended(high);
    await expectState(low, 'dispatching');
  });

  it.each<[string, object, boolean, () => Person]>([
    ['where it is not switched on', { preempt_after_minutes: null }, true, () => lead],
    ['whose owner does not let it', {}, false, () => lead],
    ['that is younger than the least', { preempt_min_runtime_minutes: 10 }, true, () => lead],
    ['for a job that has not waited so long', { preempt_after_minutes: 10 }, true, () => lead],
    ['for one of the same level', {}, true, () => viewer],
  ])('stops none %s', async (_, more, preemptible, by) => {
    await policy({ preempt_after_minutes: 0, preempt_min_runtime_minutes: 0, ...more });
    const low = await full(preemptible);
    const high = await submit(by());
    // Another job, which is let in after the loop has looked: it was behind the one above.
    await house.limits({ max_concurrent: 2, user_max_concurrent: 100 });
    await expectState(high, 'dispatching');
    expect(await house.status(low)).toBe('running');
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ['money', () => costLimit({ cost_limit_enabled: true }), 'cost:local'],
    ['maintenance', () => plan({ kind: 'hardware', name: 'dear' }), 'maintenance:%'],
  ])('stops none for a job that %s would keep then', async (_, keep, by) => {
    const low = await full(true);
    const high = await submit(lead, { hardware: 'dear', estimated_duration_seconds: 7_200 });
    await keep();
    await policy({ preempt_after_minutes: 0, preempt_min_runtime_minutes: 0 });
    await vi.waitFor(async () =>
      expect(
        await house.service.database.query('select from lanes where held_by like $1 and user_id = $2', [
          by,
          lead.principal.user_id,
        ]),
      ).toHaveLength(1),
    );
    // It makes room for whoever would go.
    const other = await submit(boss);
    await expectState(low, 'cancelling');
    expect(await house.row(low)).toMatchObject({
      stopped_for: `stopped for ${other}, which is of a higher level`,
    });
    expect(await house.status(high)).toBe('queued');
    await costLimit({ cost_limit_enabled: false });
  });

  it('gets past more people whose jobs money keeps than it looks at in one go', async () => {
    const low = await full(true);
    for (let n = 0; n < 25; n += 1)
      await submit(house.folk.add('lead', { username: `lead${n}` }), { hardware: 'dear' });
    const last = await submit(lead);
    await costLimit({ cost_limit_enabled: true });
    await policy({ preempt_after_minutes: 0, preempt_min_runtime_minutes: 0 });
    await expectState(low, 'cancelling');
    expect(await house.row(low)).toMatchObject({
      stopped_for: `stopped for ${last}, which is of a higher level`,
    });
    await costLimit({ cost_limit_enabled: false });
  });

  it('counts the attempts that it may take into what somebody says yes to', async () => {
    await house.as(boss).put('/api/cloud/providers/local/config', {
      hardware: { one: { cost_per_hour_usd: 1, gpus: 1 }, four: { cost_per_hour_usd: 0, gpus: 4 } },
    });
    const id = await submit(viewer, { preemptible: true });
    expect((await house.row(id))['facts']).toMatchObject({ attempts: 3, estimated_cost_usd: 3 });
  });
});

describe('a job of many GPUs', () => {
  const limited = async (): Promise<{ small: string[]; big: string }> => {
    await house.as(boss).put('/api/queue/pools/provider/local', { at_most: 100 });
    await house.as(boss).put('/api/queue/pools/hardware/*', { at_most: 4 });
    const small = [];
    for (let n = 0; n < 3; n += 1) small.push(await submit(viewer));
    for (const id of small) await runs(id);
    const big = await submit(viewer, { hardware: 'four' });
    await house.service.database.query(
      `update jobs set queued_at = now() - interval '2 hours' where id = $1`,
      [big],
    );
    await house.service.database.query(
      `update lanes set head_queued_at = now() - interval '2 hours' where pool like '%four%'`,
    );
    await house.service.database.query(
      `update branches set oldest = now() - interval '2 hours' where pool like '%four%'`,
    );
    return { small, big };
  };

  it('has machines kept for it, which only who is over in time takes meanwhile', async () => {
    const { small, big } = await limited();
    await policy({ reserves: true });
    const long = await submit(lead, { estimated_duration_seconds: 7_200 });
    const short = await submit(viewer, { estimated_duration_seconds: 60 });
    await expectState(short, 'dispatching');
    expect(await house.status(long)).toBe('queued');
    await house.ended(short);
    for (const id of small) await house.ended(id);
    await expectState(big, 'dispatching');
    expect(await house.status(long)).toBe('queued');
  });

  it('is passed by small ones without end where that is not switched on', async () => {
    const { big } = await limited();
    await expectState(await submit(lead, { estimated_duration_seconds: 7_200 }), 'dispatching');
    expect(await house.status(big)).toBe('queued');
  });
});
