import { randomUUID } from 'node:crypto';
import { auditRecorded } from '@lineclear/contracts';
import { client } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openBench, PATIENCE, type Bench } from './bench.js';
import { everythingStored, expectRefusal, openFleet, workerOf, type Fleet } from './fleet.js';

let bench: Bench;
let fleet: Fleet;
beforeAll(async () => {
  bench = await openBench();
  fleet = await openFleet(bench);
});
afterAll(async () => bench?.stop());

it('knows a worker by its token alone, which is stored nowhere, and another one’s tasks are not there', async () => {
  const [worker, other] = [await fleet.worker(), await fleet.worker()];
  await fleet.claim();
  const task = await worker.take();
  expectRefusal(await other.status(task, 'running'), 404);
  expectRefusal(await other.log(task, 0, 'x'), 404);
  const requests = [
    ['register', { version: '1' }],
    ['heartbeat', { tasks: [] }],
    ['take', { held: [] }],
    [`tasks/${task.id}/status`, { lease: task.lease, state: 'running' }],
    [`tasks/${task.id}/log`, { lease: task.lease, at: 0, text: '' }],
  ] as const;
  for (const [path, body] of requests) {
    expectRefusal(await workerOf(bench, '', `wt_${'x'.repeat(43)}`).say(path, body), 401);
    expectRefusal(await client(bench.service.url).post(`/api/workers/${path}`, body), 401);
  }
  expect(worker.token).toMatch(/^wt_[\w-]{43}$/);
  expect(await everythingStored(bench)).not.toContain(worker.token);

  const { body } = await fleet.admin.post(`/api/admin/workers/${worker.id}/token`);
  expect(body.connection_command).toMatch(/^lineclear worker --server http\S+ --token-file /);
  expectRefusal(await worker.beat(), 401);
  const renewed = workerOf(bench, worker.id, body.token);
  expect((await renewed.beat([task])).body).toEqual({ stop: [], abandon: [] });
});

it('gives nothing to who waits with a token that is not valid any more', async () => {
  const worker = await fleet.worker();
  const waiting = worker.say('take', { held: [] });
  expect((await fleet.admin.post(`/api/admin/workers/${worker.id}/token`)).status).toBe(200);
  const claim = await fleet.claim();
  expectRefusal(await waiting, 401);
  expect(await (await fleet.worker()).take()).toMatchObject({ job_id: claim.job_id });
});

it('does not remove a worker that has a task, unless it is forced; then it is told to end', async () => {
  const worker = await fleet.worker();
  const claim = await fleet.claim();
  const task = await worker.take();
  await worker.status(task, 'running');
  expectRefusal(await fleet.admin.delete(`/api/admin/workers/${worker.id}`), 409);
  expect((await fleet.admin.delete(`/api/admin/workers/${worker.id}?force=true`)).status).toBe(200);
  expect(await bench.end(claim)).toMatchObject({ outcome: 'lost', message: 'its worker was removed' });
  expectRefusal(await worker.beat([task]), 410);
  expect(Object.keys(await fleet.list())).not.toContain(worker.id);
  expectRefusal(await fleet.admin.delete(`/api/admin/workers/${worker.id}`), 404);
});

it('tells the audit log of all that is done to workers, and of what they take', async () => {
  const worker = await fleet.worker({ name: 'audited' });
  const claim = await fleet.claim();
  await worker.take();
  await fleet.admin.post(`/api/admin/workers/${worker.id}/drain`);
  await fleet.admin.post(`/api/admin/workers/${worker.id}/resume`);
  await fleet.admin.post(`/api/admin/workers/${worker.id}/token`);
  await fleet.admin.delete(`/api/admin/workers/${worker.id}?force=true`);
  const told = (target: string): string[] =>
    bench.peer
      .events(auditRecorded)
      .filter(({ data }) => data.target === target)
      .map(({ data }) => data.action);
  await vi.waitFor(
    () =>
      expect(told(`worker/${worker.id}`)).toEqual([
        'worker.created',
        'worker.registered',
        'worker.draining',
        'worker.resumed',
        'worker.token_rotated',
        'worker.removed',
      ]),
    PATIENCE,
  );
  expect(told(`job/${claim.job_id}`)).toEqual(['worker.task_taken']);
  const metrics = await (await fetch(`${bench.service.url}/metrics`)).text();
  expect(metrics.split('\n').filter((line) => /^lineclear_audit_missing_total.*workers/.test(line))).toEqual(
    [],
  );
});

it('counts workers by how they are', async () => {
  const counted = async (state: string): Promise<number> => {
    const { body } = await client(bench.service.url).get('/metrics');
    const line = String(body)
      .split('\n')
      .find((one) => one.startsWith('lineclear_workers{') && one.includes(`state="${state}"`));
    return Number(line?.split(' ').at(-1) ?? 0);
  };
  const [idle, busy] = [await counted('idle'), await counted('busy')];
  const worker = await fleet.worker();
  expect(await counted('idle')).toBe(idle + 1);
  await fleet.claim();
  await worker.take();
  expect(await counted('idle')).toBe(idle);
  expect(await counted('busy')).toBe(busy + 1);
});

it.each([
  ['a name that is no name', { name: 'a b' }, 'name'],
  ['a provider that workers do not come to', { provider: 'cloud' }, 'provider'],
  ['no hardware', { hardware: [] }, 'hardware'],
  ['a pattern that is none', { hardware: ['{a}'] }, 'hardware'],
  ['a label that is none', { labels: { GPU: 'a100' } }, 'labels'],
  ['an unknown field', { slot: 1 }, ''],
])('refuses to make a worker of %s', async (_, said, field) => {
  const answer = await fleet.admin.post('/api/admin/workers', { name: 'bad', provider: 'fleet', ...said });
  expectRefusal(answer, 400);
  expect(answer.body.errors[0].path).toContain(field);
});

it('refuses two workers of one name, and who is no admin', async () => {
  const name = `twice-${randomUUID().slice(0, 8)}`;
  await fleet.worker({ name });
  expectRefusal(await fleet.admin.post('/api/admin/workers', { name, provider: 'fleet' }), 409);
  const lead = client(bench.service.url, fleet.folk.add('lead').token);
  expectRefusal(await lead.get('/api/admin/workers'), 403);
  expectRefusal(await lead.post('/api/admin/workers', { name: 'x', provider: 'fleet' }), 403);
});
