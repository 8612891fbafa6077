import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { readConfig } from '../src/config.js';
import { openBench, PATIENCE, type Bench } from './bench.js';
import { openFleet, type Fleet } from './fleet.js';

let bench: Bench;
let fleet: Fleet;
beforeAll(async () => {
  bench = await openBench({
    LINECLEAR_WORKER_HEARTBEAT_SECONDS: '0.5',
    LINECLEAR_WORKER_OFFLINE_SECONDS: '1',
    LINECLEAR_WORKER_POLL_SECONDS: '10',
    LINECLEAR_LOST_AFTER_SECONDS: '4',
  });
  fleet = await openFleet(bench);
});
afterAll(async () => bench?.stop());

it('tells workers how often to be heard of, and how long they may be silent', async () => {
  const worker = await fleet.worker();
  const { id } = worker;
  expect((await worker.say('register', { version: '2' })).body).toMatchObject({
    worker_id: id,
    heartbeat_seconds: 0.5,
    offline_seconds: 1,
  });
  expect(() => readConfig({ ...bench.env, LINECLEAR_WORKER_OFFLINE_SECONDS: '0.9' })).toThrow(
    'LINECLEAR_WORKER_OFFLINE_SECONDS',
  );
  // The gateway waits for an answer for half a minute.
  expect(() => readConfig({ ...bench.env, LINECLEAR_WORKER_POLL_SECONDS: '26' })).toThrow(
    'LINECLEAR_WORKER_POLL_SECONDS',
  );
  await vi.waitFor(
    async () => expect((await fleet.list())[id]).toMatchObject({ state: 'offline' }),
    PATIENCE,
  );
  await worker.say('heartbeat', { tasks: [] });
  expect((await fleet.list())[id]).toMatchObject({ state: 'idle' });
});

it('gives to another what a worker took and had not begun when it fell silent', async () => {
  const [silent, other] = [await fleet.worker(), await fleet.worker()];
  const claim = await fleet.claim();
  const lost = await silent.take();
  const task = await other.take();
  expect(task).toMatchObject({ id: lost.id, job_id: claim.job_id });
  expect((await other.status(task, 'running')).status).toBe(200);
  // It comes back, and believes that the task is its own.
  expect((await silent.status(lost, 'running')).status).toBe(404);
  expect((await silent.beat([lost])).body).toEqual({ stop: [], abandon: [lost.id] });
  await other.status(task, 'succeeded', { exit_code: 0 });
  expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded' });
});

it('does so at once where a worker said that it goes', async () => {
  const [leaving, other] = [await fleet.worker(), await fleet.worker()];
  const claim = await fleet.claim();
  await leaving.take();
  await leaving.beat([], { draining: true });
  expect((await fleet.list())[leaving.id]).toMatchObject({ state: 'offline' });
  const task = await other.take();
  expect(task).toMatchObject({ job_id: claim.job_id });
  await other.status(task, 'running');
  await other.status(task, 'succeeded');
});

it('gives to another what a worker that drains was handed and knows nothing of', async () => {
  const [draining, other] = [await fleet.worker({}, { slots: 2 }), await fleet.worker()];
  const begun = await fleet.claim();
  const task = await draining.take();
  await draining.status(task, 'running');
  const claim = await fleet.claim();
  await draining.take([task.lease]);
  expect((await draining.beat([task], { draining: true })).body).toEqual({ stop: [], abandon: [] });
  const taken = await other.take();
  expect(taken).toMatchObject({ job_id: claim.job_id });
  await other.status(taken, 'returned');
  expect((await fleet.list())[draining.id]).toMatchObject({ state: 'busy', jobs: [begun.job_id] });
  await draining.status(task, 'succeeded');
  const again = await other.take();
  await other.status(again, 'running');
  await other.status(again, 'succeeded');
});

it('leaves a run with the worker that began it, when that is silent for a while', async () => {
  const [worker, other] = [await fleet.worker(), await fleet.worker()];
  const claim = await fleet.claim();
  const task = await worker.take();
  await worker.status(task, 'running');
  await vi.waitFor(
    async () => expect((await bench.row(claim))['missing_count']).toBeGreaterThan(0),
    PATIENCE,
  );
  await vi.waitFor(async () => {
    await worker.beat([task]);
    expect((await bench.row(claim))['missing_count']).toBe(0);
  }, PATIENCE);
  await worker.status(task, 'succeeded', { exit_code: 0 });
  expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded' });
  await other.beat([], { draining: true });
});

it('ends a run as lost whose worker stays away; one that comes back later is to stop it', async () => {
  const worker = await fleet.worker();
  const claim = await fleet.claim();
  const task = await worker.take();
  await worker.status(task, 'running');
  expect(await bench.end(claim)).toMatchObject({ outcome: 'lost' });
  await vi.waitFor(
    async () => expect((await worker.beat([task])).body).toEqual({ stop: [], abandon: [task.id] }),
    PATIENCE,
  );
  expect((await worker.log(task, 0, 'still here\n')).status).toBe(409);
  expect((await worker.status(task, 'succeeded')).status).toBe(409);
  expect(bench.ended(claim)).toHaveLength(1);
});
