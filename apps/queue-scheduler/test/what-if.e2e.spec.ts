import { auditRecorded } from '@lineclear/contracts';
import { refusesBadInput, type Person } from '@lineclear/testkit';
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
});
beforeEach(async () => {
  await emptyQueue(house);
  await house.limits({ max_concurrent: 1, user_max_concurrent: 50 });
});
afterAll(() => house?.close());

const submit = async (person: Person, seconds: number, more: object = {}): Promise<string> => {
  const { status, body } = await house.submit(person, { estimated_duration_seconds: seconds, ...more });
  expect(status).toBe(202);
  return body.job_id;
};
const running = async (person: Person, seconds: number): Promise<string> => {
  const id = await submit(person, seconds);
  await vi.waitFor(async () => expect(await house.status(id)).toBe('dispatching'));
  return id;
};
/** What is told is two seconds old at most. */
const soon = (look: () => Promise<void>): Promise<void> =>
  vi.waitFor(look, { timeout: 8_000, interval: 100 });

it('explains which of two jobs starts first, and names nobody whom one does not see', async () => {
  const explain = (person: Person, job: string, before: string) =>
    house.as(person).get(`/api/queue/explain?job=${job}&before=${before}`);
  const lead = house.folk.add('lead');
  const first = await running(ada, 600);
  const [a1, a2, b1, l1] = [
    await submit(ada, 60),
    await submit(ada, 60),
    await submit(ben, 60),
    await submit(lead, 60),
  ];
  const tells = async (person: Person, one: string, other: string) =>
    (await explain(person, one, other)).body;
  expect(await tells(admin, a1, l1)).toMatchObject({
    goes_first: l1,
    reason: 'band',
    figures: { band: 60, other_band: 40 },
    job: { job_id: a1, username: ada.principal.username },
  });
  expect(await tells(ada, a2, a1)).toMatchObject({ goes_first: a1, reason: 'first_in' });
  const share = await tells(ben, b1, a1);
  expect(share).toMatchObject({
    goes_first: b1,
    reason: 'share',
    of: 'user',
    before: { job_id: a1, username: null },
    job: { username: ben.principal.username },
  });
  expect(share.figures.used_usd).toBeLessThan(share.figures.other_used_usd);
  expect(JSON.stringify(share)).not.toContain(ada.principal.username);
  expect(await tells(admin, first, b1)).toMatchObject({ goes_first: first, reason: 'has_slot' });
  await house.as(ada).post(`/api/queue/${a1}/hold`);
  expect(await tells(ben, a1, b1)).toMatchObject({ goes_first: b1, reason: 'not_in_queue' });
  await house.as(ada).post(`/api/queue/${a1}/release`);
  await house.as(admin).put('/api/queue/pools/provider/local', { is_paused: true });
  await soon(async () =>
    expect(await tells(ben, a1, b1)).toMatchObject({ goes_first: null, reason: 'neither' }),
  );

  const stranger = house.folk.add('lead', { org: { id: 9, slug: 'elsewhere' } });
  expect((await explain(stranger, a1, b1)).status).toBe(404);
  const theirs = await submit(stranger, 60);
  expect((await explain(stranger, theirs, a1)).status).toBe(404);
  expect((await explain(ben, a1, a2)).status).toBe(404);
  expect((await explain(ada, a1, a1)).status).toBe(400);
  expect((await explain(ada, a1, 'x')).status).toBe(400);
  await house.as(ada).post(`/api/cloud/jobs/${a2}/cancel`);
  expect((await explain(ada, a1, a2)).status).toBe(409);
});

it('tells what another setting would do, and changes nothing', async () => {
  await running(ben, 600);
  const ids = [await submit(ada, 60), await submit(ada, 60)];
  const ask = (body: object) => house.as(admin).post('/api/queue/what-if', body);
  const { status, body } = await ask({ max_concurrent: 2, job_ids: [ids[1]] });
  expect(status).toBe(200);
  expect(body.jobs).toMatchObject([{ job_id: ids[1], now: { position: 2 }, changed: { position: 2 } }]);
  expect(body.jobs[0].later_by_seconds).toBeLessThan(-590);
  expect(body.total).toMatchObject({
    starts_earlier: 2,
    starts_later: 0,
    jobs_starting: { now: 2, changed: 2 },
  });
  expect(body.total.mean_wait_seconds.changed).toBe(30);
  for (const [change, starting] of [
    [{ user_max_concurrent: 1 }, 2],
    [{ pool: { kind: 'provider', name: 'local', at_most: 0 } }, 0],
    [{ quota: { scope: 'user', subject: String(ada.principal.user_id), concurrent_jobs: 0 } }, 0],
    [{ guarantee: { scope: 'org', id: 1, jobs: 1 } }, 2],
  ] as const) {
    const answer = (await ask(change)).body;
    expect(answer.total.jobs_starting, JSON.stringify(change)).toEqual({ now: 2, changed: starting });
    expect(answer.jobs.map((one: { job_id: string }) => one.job_id)).toEqual(ids);
  }
  expect((await house.as(ada).get('/api/queue/concurrency')).body.max_concurrent).toBe(1);
  for (const id of ids) expect(await house.status(id)).toBe('queued');
  expect((await house.as(ada).post('/api/queue/what-if', { max_concurrent: 2 })).status).toBe(403);
  expect((await ask({ max_concurrent: 2, job_ids: [`job_${'0'.repeat(32)}`] })).status).toBe(404);
  expect((await ask({ job_ids: ids })).status).toBe(400);
  await refusesBadInput(
    (path, given) => house.as(admin).post(path, given),
    '/api/queue/what-if',
    { max_concurrent: 2 },
    [
      ['max_concurrent', { max_concurrent: 0 }],
      ['job_ids', { max_concurrent: 2, job_ids: Array.from({ length: 51 }, () => ids[0]) }],
      ['quota.scope', { quota: { scope: 'all', subject: '*', concurrent_jobs: 1 } }],
      ['pool.name', { pool: { kind: 'provider', name: 'a*b', at_most: 1 } }],
      ['guarantee.jobs', { guarantee: { scope: 'team', id: 1, jobs: -1 } }],
    ],
  );
});

it('lets in at once whoever may go, when somebody asks for it', async () => {
  await running(ben, 600);
  for (let n = 0; n < 20; n += 1) await submit(ada, 60);
  const process = async (person: Person) => house.as(person).post('/api/queue/process');
  expect((await process(admin)).body).toEqual({ dispatched: 0, job_ids: [] });
  // The loop itself may be the faster one, once in a while.
  const { body } = await vi.waitFor(async () => {
    await house.service.database.query('update limits set max_concurrent = max_concurrent + 2');
    const answer = await process(admin);
    expect(answer.body.dispatched).toBe(2);
    return answer;
  });
  for (const id of body.job_ids) expect(await house.status(id)).toBe('dispatching');
  expect(await recount(house)).toEqual([]);
  await vi.waitFor(() =>
    expect(house.peer.events(auditRecorded).map(({ data }) => data)).toContainEqual(
      expect.objectContaining({ action: 'queue.processed', details: { jobs: 2 } }),
    ),
  );
  expect((await process(ada)).status).toBe(403);
});
