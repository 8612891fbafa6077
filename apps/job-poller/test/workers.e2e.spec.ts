import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { answerSecrets, keyOf, openBench, PATIENCE, type Bench, type Claim } from './bench.js';
import { everythingStored, expectRefusal, openFleet, type Fleet } from './fleet.js';

let bench: Bench;
let fleet: Fleet;
beforeAll(async () => {
  bench = await openBench({ LINECLEAR_WORKER_POLL_SECONDS: '5' });
  fleet = await openFleet(bench);
});
afterAll(async () => bench?.stop());

/** A claim whose task waits for a worker: those that come after it are younger. */
async function arrived(more?: Parameters<Fleet['claim']>[0]): Promise<Claim> {
  const claim = await fleet.claim(more);
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  return claim;
}

const logOf = async (claim: Claim): Promise<string> => {
  const rows = await bench.service.database.query<{ text: string }>(
    'select text from run_logs l join runs r on r.id = l.run_id where r.job_id = $1 order by seq',
    [claim.job_id],
  );
  return rows.map(({ text }) => text).join('');
};

it('hands a run to a worker, hears how it goes and how it ends', async () => {
  const worker = await fleet.worker();
  const claim = await fleet.claim({
    hardware: 'a100',
    config: { command: ['python', 'train.py'], env: { EPOCHS: '3' } },
    max_runtime_seconds: 60,
    output_path: 'models/a',
  });
  const task = await worker.take();
  expect(task).toMatchObject({
    id: keyOf(claim),
    job_id: claim.job_id,
    attempt: 1,
    hardware: 'a100',
    config: { command: ['python', 'train.py'], env: { EPOCHS: '3' } },
    env: [],
    files: [],
    max_runtime_seconds: 60,
    output_path: 'models/a',
  });
  expect((await fleet.list())[worker.id]).toMatchObject({
    state: 'busy',
    jobs: [claim.job_id],
    version: '1.0',
  });
  expect(await worker.status(task, 'running')).toMatchObject({ status: 200 });
  await vi.waitFor(
    () => expect(bench.observed(claim).at(-1)).toMatchObject({ remote_state: 'running' }),
    PATIENCE,
  );
  expect((await worker.log(task, 0, 'one\ntwo\nthr')).body).toEqual({ taken: 11, stop: false });
  await vi.waitFor(async () => expect(await logOf(claim)).toBe('one\ntwo\n'), PATIENCE);
  // The answer before was lost: what came already is not kept twice.
  expect((await worker.log(task, 8, 'three\nlast', { is_final: true })).body).toMatchObject({ taken: 10 });
  expect(await worker.status(task, 'failed', { exit_code: 3, message: 'exit code 3' })).toMatchObject({
    status: 200,
  });
  expect(await bench.end(claim)).toMatchObject({ outcome: 'failed', exit_code: 3, message: 'exit code 3' });
  expect(await logOf(claim)).toBe('one\ntwo\nthree\nlast');
  // Said twice it counts once; said otherwise it is too late.
  expect((await worker.status(task, 'failed')).status).toBe(200);
  expectRefusal(await worker.status(task, 'succeeded'), 409);
  expect(bench.started(claim)).toHaveLength(1);
  expect((await fleet.list())[worker.id]).toMatchObject({ state: 'idle', jobs: [] });
});

it('gives the values of secrets to the worker that takes the task, and keeps them out of everything else', async () => {
  const value = 'hunter2-hunter2-hunter2';
  answerSecrets(bench.peer, { HF_TOKEN: value, KEY: 'the-content-of-a-key-file' });
  const worker = await fleet.worker();
  const claim = await fleet.claim({
    secrets: ['HF_TOKEN', 'KEY'],
    secret_uses: [{ name: 'HF_TOKEN' }, { name: 'KEY', file: 'key.pem', env: 'KEY_FILE' }],
  });
  const task = await worker.take();
  expect(task).toMatchObject({
    env: [{ variable: 'HF_TOKEN', name: 'HF_TOKEN', value }],
    files: [{ file: 'key.pem', variable: 'KEY_FILE', name: 'KEY', value: 'the-content-of-a-key-file' }],
  });
  await worker.status(task, 'running');
  // Cut within the value: what may be its beginning is not taken.
  const first = `token: ${value.slice(0, 12)}`;
  const { taken } = (await worker.log(task, 0, first)).body;
  expect(taken).toBeLessThanOrEqual(first.length - 12);
  const rest = `${`token: ${value}\n`.slice(taken)}${Buffer.from(`user:${value}`).toString('base64')}\n`;
  await worker.log(task, taken, rest, { is_final: true, hidden: ['KEY', 'NOT_OURS'] });
  await worker.status(task, 'failed', { message: `cannot log in with ${value}` });
  const end = await bench.end(claim);
  expect(end).toMatchObject({ outcome: 'failed', message: 'cannot log in with [secret]' });
  expect(await logOf(claim)).toMatch(/^token: \[secret\]\n.*\[secret\]/);
  expect((await bench.row(claim))['leaked']).toMatchObject(
    expect.arrayContaining([
      expect.objectContaining({ name: 'HF_TOKEN', where: 'log' }),
      expect.objectContaining({ name: 'KEY', where: 'log' }),
    ]),
  );
  const stored = await everythingStored(bench);
  expect(stored).not.toContain(value);
  expect(stored).not.toContain('the-content-of-a-key-file');
});

it('ends a task whose secrets are not there, and gives the next one', async () => {
  answerSecrets(bench.peer, { HF_TOKEN: 'a-value-of-it' });
  const worker = await fleet.worker();
  const gone = await arrived({ secrets: ['HF_TOKEN'] });
  answerSecrets(bench.peer, {});
  const next = await fleet.claim();
  expect(await worker.take()).toMatchObject({ job_id: next.job_id });
  expect(await bench.end(gone)).toMatchObject({ outcome: 'failed' });
  expect(await logOf(gone)).toContain('a secret of this run is gone');
});

it('gives each task once, however many ask at once, and the oldest first', async () => {
  const workers = await Promise.all(Array.from({ length: 4 }, () => fleet.worker({}, { slots: 16 })));
  const claims: Claim[] = [];
  for (let job = 0; job < 12; job += 1) claims.push(await arrived());
  const taken = await Promise.all(
    workers.map(async (worker) => {
      const jobs: string[] = [];
      for (let task = 0; task < 3; task += 1) {
        const { job_id: job, lease } = await worker.take(jobs.map((one) => one.split(' ')[1]!));
        jobs.push(`${job} ${lease}`);
      }
      return jobs.map((one) => one.split(' ')[0]!);
    }),
  );
  const order = claims.map(({ job_id: job }) => job);
  expect(taken.flat().toSorted()).toEqual(order.toSorted());
  for (const jobs of taken) expect(jobs).toEqual(order.filter((job) => jobs.includes(job)));
});

it('gives a worker what it is good for', async () => {
  const [small, large] = [
    await fleet.worker({ hardware: ['cpu*'], labels: { site: 'here' } }),
    await fleet.worker(
      { hardware: ['a100'], labels: { gpu: 'a100-80g' } },
      { labels: { gpu: 'lies', site: 'b' } },
    ),
  ];
  const ofLabels = await arrived({
    hardware: 'a100',
    config: { command: ['true'], labels: { gpu: 'a100*', site: 'b' } },
  });
  const ofHardware = await arrived({ hardware: 'cpu-large' });
  expect(await small.take()).toMatchObject({ job_id: ofHardware.job_id });
  expect(await large.take()).toMatchObject({ job_id: ofLabels.job_id });
});

it('gives no more than a worker has slots, none of another provider, and none while it drains', async () => {
  const [worker, stranger] = [await fleet.worker(), await fleet.worker({ provider: 'other-fleet' })];
  const [first, second] = [await arrived(), await arrived()];
  const task = await worker.take();
  const none = async (who: typeof worker, held: string[] = []): Promise<void> =>
    expect((await who.say('take', { held })).body).toEqual({ task: null });
  await Promise.all([none(worker, [task.lease]), none(stranger)]);
  await worker.status(task, 'running');
  await worker.status(task, 'succeeded', { exit_code: 0 });
  expect(await bench.end(first)).toMatchObject({ outcome: 'succeeded' });
  expect((await fleet.admin.post(`/api/admin/workers/${worker.id}/drain`)).body).toMatchObject({
    draining: true,
  });
  expect((await fleet.list())[worker.id]).toMatchObject({ state: 'draining' });
  await none(worker);
  const waiting = worker.take();
  expect((await fleet.admin.post(`/api/admin/workers/${worker.id}/resume`)).status).toBe(200);
  expect(await waiting).toMatchObject({ job_id: second.job_id });
});

it('hands a task over again to the worker whose answer was lost, and then only the last lease counts', async () => {
  const worker = await fleet.worker();
  await fleet.claim();
  const lost = await worker.take();
  const task = await worker.take([]);
  expect(task).toMatchObject({ id: lost.id });
  expect(task.lease).not.toBe(lost.lease);
  for (const answer of [
    await worker.status(lost, 'running'),
    await worker.log(lost, 0, 'x\n'),
    await worker.status(lost, 'succeeded'),
    await worker.status(lost, 'returned'),
  ])
    expectRefusal(answer, 409);
  expect((await worker.beat([lost])).body).toEqual({ stop: [], abandon: [lost.id] });
  expect((await worker.beat([task])).body).toEqual({ stop: [], abandon: [] });
  expect((await worker.status(task, 'running')).status).toBe(200);
});

it('stops a run where its worker hears of it, and at once where nobody has begun it', async () => {
  const worker = await fleet.worker();
  const claim = await fleet.claim();
  const task = await worker.take();
  await worker.status(task, 'running');
  await bench.cancel(claim);
  await vi.waitFor(async () => expect((await worker.beat([task])).body.stop).toEqual([task.id]), PATIENCE);
  expect((await worker.log(task, 0, 'stopping\n')).body).toMatchObject({ stop: true });
  await worker.status(task, 'cancelled');
  expect(await bench.end(claim)).toMatchObject({ outcome: 'cancelled' });

  const unbegun = await fleet.claim();
  const taken = await worker.take();
  await bench.cancel(unbegun);
  expect(await bench.end(unbegun)).toMatchObject({ outcome: 'cancelled' });
  expectRefusal(await worker.status(taken, 'running'), 409);

  const waiting = await fleet.claim({ hardware: 'nobody-has-it' });
  await bench.cancel(waiting);
  expect(await bench.end(waiting)).toMatchObject({ outcome: 'cancelled' });
});

it.each([
  [
    'runs',
    async (worker: Awaited<ReturnType<Fleet['worker']>>) => worker.status(await worker.take(), 'succeeded'),
  ],
  ['is stopped', async (_: unknown, claim: Claim) => bench.cancel(claim)],
])('does not count the wait for a worker of a run that %s in the end', async (_, end) => {
  const claim = await arrived();
  const lastSeen = async () => new Date(String((await bench.row(claim))['last_observed_at']));
  const accepted = new Date(bench.started(claim)[0]!.started_at);
  await vi.waitFor(
    async () => expect((await lastSeen()).getTime()).toBeGreaterThan(accepted.getTime()),
    PATIENCE,
  );
  const seen = await lastSeen();
  await end(await fleet.worker(), claim);
  const { started_at, ended_at } = await bench.end(claim);
  expect(new Date(started_at!).getTime()).toBeGreaterThanOrEqual(seen.getTime());
  expect(new Date(ended_at).getTime()).toBeGreaterThanOrEqual(new Date(started_at!).getTime());
});

it('gives what was not begun and comes back to another, three times at most', async () => {
  const claim = await fleet.claim({ hardware: 'h100' });
  const worker = await fleet.worker({ hardware: ['h100'] });
  for (let turn = 0; turn < 3; turn += 1)
    expect((await worker.status(await worker.take(), 'returned')).status).toBe(200);
  expect(await bench.end(claim)).toMatchObject({
    outcome: 'lost',
    message: expect.stringContaining('3 times'),
  });
});

it('takes for lost what a worker began and knows nothing of when it is started again', async () => {
  const worker = await fleet.worker({}, { slots: 2 });
  const [kept, forgotten] = [await fleet.claim(), await fleet.claim()];
  const first = await worker.take();
  await worker.status(first, 'running');
  const second = await worker.take([first.lease]);
  await worker.status(second, 'running');
  const [keptTask, lostTask] = first.job_id === kept.job_id ? [first, second] : [second, first];
  expect((await worker.say('register', { version: '2', held: [keptTask.lease] })).status).toBe(200);
  expect(await bench.end(forgotten)).toMatchObject({ outcome: 'lost' });
  expect((await worker.beat([keptTask, lostTask])).body).toEqual({ stop: [], abandon: [lostTask.id] });
  await worker.status(keptTask, 'succeeded');
  expect(await bench.end(kept)).toMatchObject({ outcome: 'succeeded' });
});

it.each([
  ['no command', {}, 'config.command'],
  ['a label that is none', { command: ['true'], labels: { gpu: '[a]' } }, 'config.labels.gpu'],
])('refuses a run with %s', async (_, config, field) => {
  expect(await bench.end(await fleet.claim({ config }))).toMatchObject({
    outcome: 'refused',
    message: expect.stringContaining(field),
  });
});
