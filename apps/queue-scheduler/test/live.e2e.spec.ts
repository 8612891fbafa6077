import { Bus, EVENTS_STREAM } from '@lineclear/bus';
import { approvalExpired, jobQueued, providerChanged } from '@lineclear/contracts';
import { client, expectProblem, refusesBadInput, type Person } from '@lineclear/testkit';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { LiveHub } from '../src/live/live-hub.js';
import { follow, kinds, type Listener } from './follow.js';
import { openHouse, type House } from './house.js';

let house: House;
let ada: Person;
let bob: Person;
let lead: Person;
let admin: Person;
const open: Listener[] = [];

beforeAll(async () => {
  house = await openHouse();
  ada = house.folk.add('researcher');
  bob = house.folk.add('researcher');
  lead = house.folk.add('lead');
  admin = house.folk.add('admin');
});
afterAll(async () => {
  for (const listener of open) listener.stop();
  await house?.close();
});

const listen = async (person: Person, lastEventId?: string): Promise<Listener> => {
  const listener = await follow(house.service.url, person, lastEventId);
  open.push(listener);
  return listener;
};

it('shows what happens to jobs to those who may see them, without what is internal', async () => {
  const foreign = await listen(house.folk.add('lead', { org: { id: 2, slug: 'globex' } }));
  const [mine, others, all] = [await listen(ada), await listen(bob), await listen(lead)];
  const jobId = (await house.submit(ada)).body.job_id as string;
  await vi.waitFor(() => expect(kinds(mine, jobId)).toEqual(['job.submitted', 'job.queued', 'job.claimed']));
  await vi.waitFor(() => expect(kinds(all, jobId)).toEqual(kinds(mine, jobId)));
  // An event that does not say whose job it is about.
  await house.peer.publish(approvalExpired, {
    approval_id: '01920000-0000-7000-8000-000000000001',
    job_id: jobId,
    at: new Date().toISOString(),
  });
  await vi.waitFor(() => expect(kinds(mine, jobId)).toContain('approval.expired'));
  const bobs = (await house.submit(bob)).body.job_id as string;
  await vi.waitFor(() => expect(kinds(others, bobs)).toHaveLength(3));
  expect(kinds(others, jobId)).toEqual([]);
  expect(foreign.seen).toEqual([]);
  expect(kinds(mine, bobs)).toEqual([]);
  for (const { data } of all.seen)
    for (const internal of ['claim_id', 'config', 'facts', 'secrets'])
      expect(data.data).not.toHaveProperty(internal);
  expect(mine.seen[0]?.data).toMatchObject({ type: 'job.submitted', data: { job_id: jobId } });
});

it('goes on where a connection broke, with each event once', async () => {
  const first = await listen(ada);
  const before = (await house.submit(ada)).body.job_id as string;
  await vi.waitFor(() => expect(kinds(first, before)).toContain('job.queued'));
  const last = first.seen.find(
    ({ event, data }) => event === 'job.submitted' && data.data['job_id'] === before,
  )!.id;
  first.stop();
  const missed = (await house.submit(ada, { config_name: 'missed' })).body.job_id as string;
  const second = await listen(ada, last);
  const after = (await house.submit(ada)).body.job_id as string;
  await vi.waitFor(() => expect(kinds(second, after)).toContain('job.queued'));
  expect(kinds(second, before)).not.toContain('job.submitted');
  expect(kinds(second, before)).toContain('job.queued');
  expect(kinds(second, missed)).toContain('job.submitted');
  const ats = second.seen.map(({ at }) => at);
  expect(ats).toEqual([...new Set(ats)].sort((a, b) => a - b));
});

it.each([
  ['of another life of the stream', 'zzz-1000000'],
  ['from before streams were told apart', '1000000'],
])('tells whoever comes with an id %s to read anew, and goes on live', async (_, id) => {
  const earlier = await listen(ada);
  const before = (await house.submit(ada)).body.job_id as string;
  await vi.waitFor(() => expect(kinds(earlier, before)).toContain('job.queued'));
  const listener = await listen(ada, id);
  await vi.waitFor(() => expect(listener.seen.map(({ event }) => event)).toContain('reset'));
  const later = (await house.submit(ada)).body.job_id as string;
  await vi.waitFor(() => expect(kinds(listener, later)).toContain('job.queued'));
  expect(listener.seen[0]).toMatchObject({ event: 'reset', data: { data: { reason: 'too_old' } } });
  expect(kinds(listener, before)).not.toContain('job.submitted');
});

it('shows what happens after the stream was lost, or has its followers come again', async () => {
  const follower = await listen(ada);
  const first = (await house.submit(ada)).body.job_id as string;
  await vi.waitFor(() => expect(kinds(follower, first)).toContain('job.queued'));
  const { connection } = house.service.app.get(Bus);
  await (await jetstreamManager(connection)).streams.delete(EVENTS_STREAM);
  const second = (await house.submit(ada)).body.job_id as string;
  await vi.waitFor(
    () => expect(follower.ended || kinds(follower, second).includes('job.queued')).toBe(true),
    { timeout: 40_000 },
  );
}, 60_000);

it('keeps a follower that comes while the one before it is still being let go', async () => {
  for (const listener of open.splice(0)) listener.stop();
  const hub = house.service.app.get(LiveHub);
  await vi.waitFor(() => expect(hub.size).toBe(0));
  for (let round = 0; round < 10; round += 1) {
    const gone = new AbortController();
    const asked = fetch(`${house.service.url}/api/events`, {
      headers: { authorization: `Bearer ${ada.token}` },
      signal: gone.signal,
    }).catch(() => undefined);
    await vi.waitFor(() => expect(hub.size).toBe(1), { interval: 1 });
    gone.abort();
    await asked;
    await vi.waitFor(() => expect(hub.size).toBe(0), { interval: 1 });
    const next = await listen(ada);
    const jobId = (await house.submit(ada)).body.job_id as string;
    await vi.waitFor(() => expect(kinds(next, jobId)).toContain('job.queued'));
    next.stop();
    await vi.waitFor(() => expect(hub.size).toBe(0), { interval: 1 });
  }
});

it('leaves out an event that nobody can read', async () => {
  const follower = await listen(ada);
  await house.peer.publishRaw(jobQueued.subject, '{}');
  const after = (await house.submit(ada)).body.job_id as string;
  await vi.waitFor(() => expect(kinds(follower, after)).toContain('job.queued'));
});

it('is closed to strangers and when rights change', async () => {
  expect((await client(house.service.url).get('/api/events')).status).toBe(401);
  const blind = house.folk.add('viewer', { permissions: [] });
  expect((await house.as(blind).get('/api/events')).status).toBe(403);
  expectProblem(
    await house.as(ada).get('/api/events', { 'last-event-id': 'x' }),
    'Last-Event-ID',
    'Last-Event-ID',
  );
  const temp = house.folk.add('lead');
  const listener = await listen(temp);
  await house.folk.change(temp, []);
  await vi.waitFor(() => expect(listener.ended).toBe(true));
});

it('is closed when what everyone of a level may do changes, to them alone', async () => {
  const [lead, viewer] = [house.folk.add('lead'), house.folk.add('viewer')];
  const [theirs, other] = [await listen(lead), await listen(viewer)];
  await house.folk.restrict(lead, []);
  await vi.waitFor(() => expect(theirs.ended).toBe(true));
  expect(other.ended).toBe(false);
});

it('has prices that administrators set', async () => {
  const path = '/api/cloud/providers/local/config';
  expect((await house.as(lead).get(path)).status).toBe(403);
  expect((await house.as(lead).put(path, { hardware: {} })).status).toBe(403);
  expect((await house.as(admin).get(path)).body).toMatchObject({
    provider: 'local',
    hardware: { local: { cost_per_hour_usd: 0 } },
  });
  const hardware = { gpu: { cost_per_hour_usd: 7.2 } };
  await refusesBadInput((to, body) => house.as(admin).put(to, body), path, { hardware }, [
    ['', {}],
    ['hardware', { hardware: [] }],
    ['hardware.gpu.cost_per_hour_usd', { hardware: { gpu: { cost_per_hour_usd: -1 } } }],
    ['hardware.gpu.cost_per_hour_usd', { hardware: { gpu: { cost_per_hour_usd: '1' } } }],
    ['hardware.gpu', { hardware: { gpu: 1 } }],
  ]);
  expect((await house.as(admin).get(path)).body.hardware).toEqual({ local: { cost_per_hour_usd: 0 } });
  expect((await house.as(admin).put(path, { hardware })).status).toBe(200);
  expect((await house.as(admin).put('/api/cloud/providers/nowhere/config', { hardware })).status).toBe(404);
  expect((await house.as(admin).get('/api/cloud/providers/nowhere/config')).status).toBe(404);
  const list = (await house.as(ada).get('/api/cloud/providers')).body;
  expect(list).toEqual({
    total: 1,
    providers: [
      {
        name: 'local',
        type: 'local',
        hardware: {
          local: { cost_per_hour_usd: 0, source: 'configuration' },
          gpu: { ...hardware.gpu, source: 'administrator' },
        },
      },
    ],
  });
  const { body } = await house.submit(ada, { hardware: 'gpu', estimated_duration_seconds: 1_800 });
  expect(body.estimated_cost_usd).toBe(3.6);
});

it('knows a changed price at once on every replica, though prices are remembered for minutes', async () => {
  const path = '/api/cloud/providers/local/config';
  const elsewhere = client((await house.replica()).url, admin.token);
  const priceElsewhere = async (): Promise<number> =>
    (await elsewhere.get(path)).body.hardware.gpu?.cost_per_hour_usd;
  const set = (cost_per_hour_usd: number) =>
    house.as(admin).put(path, { hardware: { gpu: { cost_per_hour_usd } } });
  for (const price of [8, 9, 10]) {
    expect((await set(price)).body.hardware.gpu.cost_per_hour_usd).toBe(price);
    await vi.waitFor(async () => expect(await priceElsewhere()).toBe(price));
  }
  expect(house.peer.events(providerChanged).map(({ data, subject }) => [data, subject])).toContainEqual([
    { provider: 'local' },
    'provider/local',
  ]);

  const setUntold = (price: number): Promise<unknown> =>
    house.service.database.query(
      `update provider_config set hardware = jsonb_set(hardware::jsonb, '{gpu,cost_per_hour_usd}', to_jsonb($1::int))`,
      [price],
    );
  await setUntold(11);
  expect(await priceElsewhere()).toBe(10);
  await house.peer.publish(providerChanged, { provider: 'another' });
  await house.peer.publish(providerChanged, { provider: 'local' });
  await vi.waitFor(async () => expect(await priceElsewhere()).toBe(11));

  await setUntold(12);
  await house.backends.nats.stop();
  await house.backends.nats.start();
  await vi.waitFor(async () => expect(await priceElsewhere()).toBe(12), { timeout: 20_000 });
  expect((await elsewhere.get('/api/cloud/metrics/prometheus')).body).toMatch(
    /lineclear_cache_hits_total{cache="provider_config",service="queue-scheduler"} [1-9]/,
  );
});

it('counts for Prometheus', async () => {
  expect((await client(house.service.url).get('/api/cloud/metrics/prometheus')).status).toBe(401);
  const { status, body } = await house.as(ada).get('/api/cloud/metrics/prometheus');
  expect(status).toBe(200);
  for (const metric of [
    'lineclear_jobs_active',
    'lineclear_cost_total_usd',
    'lineclear_uptime_seconds',
    'lineclear_jobs_by_status',
    'lineclear_outbox_messages',
  ]) {
    expect(body).toMatch(new RegExp(`^${metric}\\{.*\\} [0-9.]+$`, 'm'));
  }
});
