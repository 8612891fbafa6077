import { quotaChanged, type Quota } from '@lineclear/contracts';
import { client, type Person } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openHouse, type House } from './house.js';

const TEAM = { id: 11, slug: 'nlp', role: 'member' as const };
const ORG = { id: 1, slug: 'ml' };
let house: House;
let ada: Person;

beforeAll(async () => {
  house = await openHouse();
  ada = house.folk.add('researcher', { username: 'ada', org: ORG, teams: [TEAM] });
  await house.as(house.folk.add('admin')).put('/api/cloud/providers/local/config', {
    hardware: { local: { cost_per_hour_usd: 0 }, gpu: { cost_per_hour_usd: 10 } },
  });
});
afterAll(() => house?.close());

const submit = async (who: Person, more: object = {}): Promise<string> =>
  (await house.submit(who, more)).body.job_id;
const waits = async (who: Person, jobId: string): Promise<unknown> =>
  (await house.as(who).get(`/api/cloud/jobs/${jobId}`)).body.waits_for;
const saysOf = (who: Person, jobId: string, text: string): Promise<void> =>
  vi.waitFor(async () => expect(await waits(who, jobId)).toContain(text));
let version = 0;
const quota = async (more: Omit<Quota, 'action'>): Promise<void> => {
  version += 1;
  await house.peer.publish(quotaChanged, { ...more, action: 'block' }, { version });
  const mine = version;
  await vi.waitFor(async () =>
    expect(
      await house.service.database.query('select 1 from quotas where version >= $1', [mine]),
    ).toHaveLength(1),
  );
};

it('says of a job what it waits for, as long as it does', async () => {
  const held = await submit(ada, { config_name: 'held' });
  expect(await waits(ada, held)).toMatch(/^somebody of level lead to approve it, until 20\d\d-.*: /);
  const [bob, cyd, dan] = ['bob', 'cyd', 'dan'].map((username) => house.folk.add('researcher', { username }));
  await house.limits({ max_concurrent: 2, user_max_concurrent: 1 });
  const runs = await submit(bob!);
  await vi.waitFor(async () => expect(await house.status(runs)).toBe('dispatching'));
  expect(await waits(bob!, runs)).toBe('its provider to start it');
  await house.started(runs);
  await vi.waitFor(async () => expect(await waits(bob!, runs)).toBeNull());
  const second = await submit(bob!);
  await saysOf(bob!, second, 'another job of bob to end');
  await submit(cyd!);
  const last = await submit(dan!);
  // Bob's other job came earlier, and goes later: he used more.
  await saysOf(dan!, last, 'its turn: it is the first in the queue');
  await house.as(dan!).post(`/api/cloud/jobs/${last}/cancel`);
  expect(await waits(dan!, last)).toBeNull();

  await house.limits({ max_concurrent: 100, user_max_concurrent: 100 });
  await quota({ scope: 'team', subject: '11', quota_type: 'concurrent_jobs', limit: 0 });
  await saysOf(ada, await submit(ada), 'another job of its team to end');
  await quota({ scope: 'team', subject: '11', quota_type: 'concurrent_jobs', limit: 100 });
  await quota({ scope: 'org', subject: '1', quota_type: 'concurrent_jobs', limit: 0 });
  await saysOf(ada, await submit(ada), 'another job of its organisation to end');
});

it('says that it waits for money until there is some', async () => {
  await quota({ scope: 'org', subject: '1', quota_type: 'concurrent_jobs', limit: 100 });
  const eve = house.folk.add('researcher', { username: 'eve' });
  const subject = String(eve.principal.user_id);
  await house.limits({ max_concurrent: 1, user_max_concurrent: 1 });
  const costly = await submit(eve, { hardware: 'gpu', estimated_duration_seconds: 3_600 });
  await quota({ scope: 'user', subject, quota_type: 'cost_monthly', limit: 5 });
  await house.limits({ max_concurrent: 100, user_max_concurrent: 100 });
  await saysOf(eve, costly, 'money: a quota leaves none for it before 20');
  await quota({ scope: 'user', subject, quota_type: 'cost_monthly', limit: 50 });
  await vi.waitFor(async () => expect(await waits(eve, costly)).toBe('its provider to start it'));
});

it('has a page for people, which is the same for everybody and says nothing of the job', async () => {
  const jobId = await submit(ada, { config_name: 'held and told nobody' });
  const anybody = client(house.service.url);
  const page = await anybody.get(`/jobs/${jobId}`);
  expect([page.status, page.headers.get('cache-control'), page.headers.get('content-type')]).toEqual([
    200,
    'no-store',
    'text/html; charset=utf-8',
  ]);
  expect(page.headers.get('content-security-policy')).toContain(`default-src 'none'`);
  expect(page.body).not.toContain('told nobody');
  expect(page.body).not.toContain('innerHTML');
  expect(page.body).toBe((await anybody.get(`/jobs/job_${'0'.repeat(32)}`)).body);
  expect(await anybody.get('/jobs/x')).toMatchObject({ status: 400, body: { errors: [{ path: 'job' }] } });
});
