import { approvalGranted, auditRecorded } from '@lineclear/contracts';
import { client, type Person } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { openHouse, recount, type House } from './house.js';

let house: House;
let ada: Person;
let bob: Person;
let admin: Person;

/** Jobs of two people, one with a team and an organisation, in every state there is. */
beforeAll(async () => {
  house = await openHouse();
  admin = house.folk.add('admin');
  ada = house.folk.add('researcher');
  bob = house.folk.add('researcher', {
    org: { id: 2, slug: 'globex' },
    teams: [{ id: 5, slug: 'vision', role: 'member' }],
  });
  await house.limits({ max_concurrent: 6, user_max_concurrent: 3 });
  const hardware = { gpu: { cost_per_hour_usd: 3.3 } };
  await house.as(admin).put('/api/cloud/providers/local/config', { hardware });
  for (const person of [ada, bob]) {
    const submit = async (more = {}): Promise<string> => {
      const asked = { hardware: 'gpu', estimated_duration_seconds: 1_234, ...more };
      return (await house.submit(person, asked)).body.job_id;
    };
    const [done, failed, stopped, unstarted] = [
      await submit(),
      await submit(),
      await submit(),
      await submit(),
    ];
    for (const [jobId, outcome] of [
      [done, 'succeeded'],
      [failed, 'failed'],
      [stopped, 'cancelled'],
    ] as const) {
      await soon(jobId, 'dispatching');
      await house.started(jobId);
      await soon(jobId, 'running');
      if (outcome === 'cancelled') await house.as(person).post(`/api/cloud/jobs/${jobId}/cancel`);
      await house.ended(jobId, outcome, outcome === 'succeeded' ? { cost_usd: 1.2345 } : {});
    }
    await soon(unstarted, 'dispatching');
    await house.ended(unstarted, 'refused');
    await soon(unstarted, 'failed');
    const held = await house.submit(person, { config_name: 'held' });
    await house.peer.publish(approvalGranted, {
      approval_id: held.body.approval.id,
      job_id: held.body.job_id,
      by_user_id: 9,
      by: 'lea',
      via: 'api',
      at: new Date().toISOString(),
    });
    await submit({ config_name: 'held' });
    for (let n = 0; n < 5; n += 1) await submit({ priority: n % 2 ? 'high' : 'normal' });
    await house.as(person).post(`/api/cloud/jobs/${await submit()}/cancel`);
  }
});
beforeEach(quiet);
afterAll(() => house?.close());

async function soon(jobId: string, state: string): Promise<void> {
  await vi.waitFor(async () => expect(await house.status(jobId)).toBe(state));
}
/** Until what could be claimed is. */
async function quiet(): Promise<void> {
  await vi.waitFor(async () =>
    expect(await sql("select count(*)::int as n from jobs where state = 'dispatching'")).toEqual([{ n: 6 }]),
  );
}
const sql = (text: string): Promise<object[]> => house.service.database.query<object>(text);
const cleanup = async () => {
  const { status, body } = await house.as(admin).post('/api/queue/cleanup');
  expect(status).toBe(200);
  return body;
};
const tables = async () => ({
  slots: await sql('select scope, subject, running from slots where running <> 0 order by 1, 2'),
  lanes: await sql(
    'select user_id, team_id, org_id, band, level, queued, head_ord from lanes where queued <> 0 order by 1, 2, 3, 4',
  ),
  usage: await sql(
    `select scope, subject, hour::text, submitted, round(usd::numeric, 2) as usd, round(gpu_seconds::numeric) as gpu_seconds
     from usage where submitted <> 0 or usd <> 0 order by 1, 2, 3`,
  ),
  spend: await sql(
    'select provider, day::text, round(usd, 2) as usd from provider_spend where usd <> 0 order by 1, 2',
  ),
});

it('finds nothing where nothing is wrong, whatever became of the jobs', async () => {
  const before = await tables();
  expect(before.slots.length).toBe(5);
  expect(await cleanup()).toEqual({
    checked: ['slots', 'pools', 'lanes', 'branches', 'usage', 'provider_spend'],
    total: 0,
    repairs: [],
  });
  expect(await tables()).toEqual(before);
});

it.each([
  ['slots', 'a figure', `update slots set running = running + 2 where scope = 'house'`],
  ['slots', 'a row that is gone', `delete from slots where scope = 'team'`],
  ['slots', 'a row too many', `insert into slots (scope, subject, running) values ('user', 999, 3)`],
  ['pools', 'a figure', 'update pools set running = running + 1'],
  ['pools', 'rows that are gone', 'delete from pools'],
  ['branches', 'a mark', 'update branches set is_ready = not is_ready'],
  ['branches', 'rows that are gone', 'delete from branches'],
  ['lanes', 'a figure', 'update lanes set queued = queued + 1'],
  ['lanes', 'a head too far back', 'update lanes set head_ord = head_ord + 1000'],
  ['lanes', 'rows that are gone', 'delete from lanes'],
  ['usage', 'a count', `update usage set submitted = submitted + 1 where scope = 'user'`],
  ['usage', 'money', `update usage set usd = usd + 0.5 where hour < 'infinity'`],
  ['usage', 'what waits', `update usage set gpu_seconds = 1 where hour = 'infinity'`],
  ['usage', 'rows that are gone', `delete from usage where scope = 'org'`],
  ['provider_spend', 'money', `update provider_spend set usd = usd + 0.5 where day < 'infinity'`],
  ['provider_spend', 'what waits', `update provider_spend set usd = 1 where day = 'infinity'`],
  ['provider_spend', 'rows that are gone', 'delete from provider_spend'],
])('repairs %s: %s', async (what, _, breaking) => {
  const before = await tables();
  // Nothing moves on a wrong figure meanwhile.
  await house.service.database.tx(async (tx) => {
    await tx.query(breaking);
    await tx.query('update limits set is_paused = true');
  });
  const { total, repairs } = await cleanup();
  await sql('update limits set is_paused = false');
  expect(total).toBeGreaterThan(0);
  expect(new Set(repairs.map((repair: { what: string }) => repair.what))).toEqual(new Set([what]));
  await quiet();
  expect(await tables()).toEqual(before);
  expect(await recount(house)).toEqual([]);
  expect((await cleanup()).total).toBe(0);
});

it('says what it found, to whoever asked, the audit log and the metrics', async () => {
  await sql(
    `update slots set running = running + 2 where scope = 'user' and subject = ${ada.principal.user_id}`,
  );
  const { repairs } = await cleanup();
  expect(repairs).toEqual([
    { what: 'slots', of: `user:${ada.principal.user_id}`, kept: { running: 5 }, counted: { running: 3 } },
  ]);
  await vi.waitFor(() =>
    expect(house.peer.events(auditRecorded).map(({ data }) => data)).toContainEqual(
      expect.objectContaining({
        action: 'queue.repaired',
        by: 'person',
        target: 'queue/slots',
        details: { what: 'slots', differences: 1 },
      }),
    ),
  );
  const { body } = await house.as(admin).get('/api/cloud/metrics/prometheus');
  expect(body).toMatch(/^lineclear_queue_repairs_total\{what="slots",.*\} [1-9]/m);
  expect((await house.as(ada).post('/api/queue/cleanup')).status).toBe(403);
  expect((await client(house.service.url).post('/api/queue/cleanup')).status).toBe(401);
});

it('has jobs go that stood still for a wrong figure', async () => {
  await sql(`update slots set running = 6 where scope = 'user' and subject = ${bob.principal.user_id}`);
  const jobs = await house.as(bob).get('/api/cloud/jobs?status=dispatching');
  await house.ended(jobs.body.jobs[0].job_id, 'succeeded');
  await soon(jobs.body.jobs[0].job_id, 'completed');
  expect(await sql("select count(*)::int as n from jobs where state = 'dispatching'")).toEqual([{ n: 5 }]);
  expect((await cleanup()).total).toBe(1);
  await quiet();
});

it('repairs at the start of a process', async () => {
  await sql(`insert into slots (scope, subject, running) values ('user', 998, 3)`);
  await house.replica();
  await vi.waitFor(async () =>
    expect(await sql('select running from slots where subject = 998')).toEqual([{ running: 0 }]),
  );
});

it('does not disturb a line that runs, nor takes its moves for faults', async () => {
  await house.limits({ max_concurrent: 50, user_max_concurrent: 25 });
  const people = [ada, bob, house.folk.add('lead'), house.folk.add('researcher')];
  let isOver = false;
  const moving = Promise.all(
    people.map(async (person) => {
      for (let n = 0; n < 25; n += 1) {
        const { status, body } = await house.submit(person, { hardware: 'gpu' });
        expect(status).toBe(202);
        if (n % 3 === 0) await house.as(person).post(`/api/cloud/jobs/${body.job_id}/cancel`);
      }
    }),
  ).finally(() => (isOver = true));
  const found: unknown[] = [];
  while (!isOver) found.push(...(await cleanup()).repairs);
  await moving;
  expect(found).toEqual([]);
  expect(await recount(house)).toEqual([]);
  expect((await cleanup()).total).toBe(0);
});
