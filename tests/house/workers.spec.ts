import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startHouse, type House } from '@lineclear/launcher';
import { makeScratchFolder } from '@lineclear/servers';
import { client, type Client } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { ok, person } from './furnish.js';
import { filesBelow } from './kept.js';
import { ended, makeMachine, type Machine, type RunningWorker } from './machine.js';

const PATIENT = { timeout: 60_000, interval: 100 };
const VALUE = 'value-of-a-secret-of-a-job';

let scratch: string;
let house: House;
let admin: Client;
let ada: Client;
let made = 0;
const alive: ChildProcess[] = [];

beforeAll(async () => {
  scratch = makeScratchFolder('workers');
  const config = join(scratch, 'lineclear.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      providers: { fleet: { type: 'agents', hardware: { a100: { cost_per_hour_usd: 1 } } } },
    }),
  );
  house = await startHouse({
    home: join(scratch, 'house'),
    durable: false,
    env: {
      ...process.env,
      LINECLEAR_CONFIG: config,
      LINECLEAR_LOG_LEVEL: 'warn',
      LINECLEAR_WORKER_HEARTBEAT_SECONDS: '0.5',
    },
  });
  admin = client(house.url, house.adminKey);
  ada = await person(house.url, admin, 'ada', 'admin');
}, 180_000);

afterEach(async () => {
  for (const child of alive.splice(0)) await ended(child, 'SIGKILL');
});

afterAll(async () => {
  await house?.stop();
  await rm(scratch, { recursive: true, force: true });
}, 60_000);

/** A machine whose commands end with the test. */
async function machine(): Promise<Machine> {
  made += 1;
  const here = await makeMachine(house.url, admin, join(scratch, `machine${made}`), `machine-${made}`);
  const start = (...options: string[]): RunningWorker => {
    const worker = here.start(...options);
    alive.push(worker.child);
    return worker;
  };
  return { ...here, start };
}

async function submit(script: string, more: object = {}, labels: object = {}): Promise<string> {
  const answer = await ada.post('/api/cloud/fleet/submit', {
    config_name: 'of-workers',
    config: { command: ['/bin/sh', '-c', script], labels },
    hardware: 'a100',
    estimated_duration_seconds: 60,
    ...more,
  });
  return ok(answer, 202).job_id as string;
}
const jobOf = async (id: string) => ok(await ada.get(`/api/cloud/jobs/${id}`));
const logOf = async (id: string): Promise<string> => ok(await ada.get(`/api/cloud/jobs/${id}/logs`)).logs;
const becomes = (id: string, status: string): Promise<void> =>
  vi.waitFor(async () => expect(await jobOf(id)).toMatchObject({ status }), PATIENT);
const prints = (id: string, text: string): Promise<void> =>
  vi.waitFor(async () => expect(await logOf(id)).toContain(text), PATIENT);

/** A job that writes its beginning and its end into a file, and waits in between for another. */
async function patientJob(labels: object = {}): Promise<{ id: string; marks: string; letGo: () => void }> {
  made += 1;
  const [marks, go] = [join(scratch, `marks${made}`), join(scratch, `go${made}`)];
  const id = await submit(
    `echo begun | tee -a ${marks}; while [ ! -e ${go} ]; do sleep 0.1; done; echo ended | tee -a ${marks}`,
    {},
    labels,
  );
  return { id, marks, letGo: () => writeFileSync(go, '') };
}

it('runs a job with its secrets and keeps them out of its log and off the disk', async () => {
  ok(await ada.post('/api/secrets', { name: 'HF_TOKEN', value: VALUE }), 201);
  const { start: begin, folder } = await machine();
  begin();
  const id = await submit('echo "with ${#HF_TOKEN}: $HF_TOKEN"; pwd; exit 3', { secrets: ['HF_TOKEN'] });
  await becomes(id, 'failed');
  expect(await logOf(id)).toBe(
    `with ${VALUE.length}: [secret]\n${join(folder, 'state/runs')}/lc-${id.slice(4)}-a1\n`,
  );
  expect(await jobOf(id)).toMatchObject({ message: 'exit code 3' });
  for (const { path, bytes } of filesBelow(folder)) expect(bytes.includes(VALUE), path).toBe(false);
}, 120_000);

it('goes on with its job after kill -9: the run ends once, and nothing of its output is missing or twice', async () => {
  const { start: begin } = await machine();
  const first = begin();
  const { id, marks, letGo } = await patientJob();
  await prints(id, 'begun');
  await ended(first.child, 'SIGKILL');
  letGo();
  await vi.waitFor(() => expect(readFileSync(marks, 'utf8')).toContain('ended'), PATIENT);
  begin();
  await becomes(id, 'completed');
  expect(readFileSync(marks, 'utf8')).toBe('begun\nended\n');
  expect(await logOf(id)).toBe('begun\nended\n');
}, 120_000);

it('goes on while the house is away, and tells it afterwards how the job went', async () => {
  const { start: begin } = await machine();
  begin();
  const { id, letGo } = await patientJob();
  await prints(id, 'begun');
  const poller = house.services['job-poller']!;
  await poller.stop();
  letGo();
  await poller.start();
  await becomes(id, 'completed');
  expect(await logOf(id)).toBe('begun\nended\n');
}, 120_000);

it('lets two machines run twenty jobs, each once', async () => {
  const [one, two] = [await machine(), await machine()];
  one.start();
  two.start();
  const marks = join(scratch, 'twenty');
  mkdirSync(marks);
  const ids = await Promise.all(
    Array.from({ length: 20 }, () => submit(`echo "$LINECLEAR_RUN_KEY" >> ${marks}/$LINECLEAR_JOB_ID`)),
  );
  for (const id of ids) await becomes(id, 'completed');
  for (const id of ids)
    expect(readFileSync(join(marks, id), 'utf8')).toBe(`lc-${id.slice('job_'.length)}-a1\n`);
}, 180_000);

it('stops a job that is cancelled', async () => {
  const { start: begin } = await machine();
  begin();
  const { id, marks } = await patientJob();
  await prints(id, 'begun');
  ok(await ada.post(`/api/cloud/jobs/${id}/cancel`), 202);
  await becomes(id, 'cancelled');
  expect(readFileSync(marks, 'utf8')).toBe('begun\n');
}, 120_000);

it('runs as many jobs at a time as it has slots, of those that ask for its labels', async () => {
  const [one, two] = [await machine(), await machine()];
  one.start();
  two.start('--slots', '2', '--label', 'site=here');
  const labels = { site: 'he*' };
  const jobs = [await patientJob(labels), await patientJob(labels)];
  for (const { id } of jobs) await prints(id, 'begun');
  const { workers } = ok(await admin.get('/api/admin/workers'));
  expect(workers).toContainEqual(
    expect.objectContaining({ worker_id: two.id, state: 'busy', slots: 2, labels: { site: 'here' } }),
  );
  expect(workers).toContainEqual(expect.objectContaining({ worker_id: one.id, state: 'idle', jobs: [] }));
  for (const { letGo } of jobs) letGo();
  for (const { id } of jobs) await becomes(id, 'completed');
}, 120_000);

it('kills what does not stop when it is cancelled, with all that it started', async () => {
  const { start: begin } = await machine();
  begin();
  const id = await submit(`trap '' TERM; echo begun; (trap '' TERM; sleep 300) & wait; sleep 300`);
  await prints(id, 'begun');
  ok(await ada.post(`/api/cloud/jobs/${id}/cancel`), 202);
  await becomes(id, 'cancelled');
}, 120_000);

it('ends with its job when it is asked to, and with the second time at once', async () => {
  const here = await machine();
  const worker = here.start();
  const { id, letGo } = await patientJob();
  await prints(id, 'begun');
  worker.child.kill('SIGTERM');
  const waiting = await submit('true');
  letGo();
  await becomes(id, 'completed');
  expect(await ended(worker.child, 'SIGCONT')).toBe(0);
  expect(await jobOf(waiting)).not.toMatchObject({ status: 'completed' });
  expect(existsSync(join(here.folder, 'state/worker.lock'))).toBe(false);

  const again = here.start();
  await becomes(waiting, 'completed');
  const { id: second } = await patientJob();
  await prints(second, 'begun');
  again.child.kill('SIGTERM');
  again.child.kill('SIGINT');
  await becomes(second, 'failed');
  expect(await jobOf(second)).toMatchObject({ message: 'its worker was stopped' });
  expect(await ended(again.child, 'SIGCONT')).toBe(0);
}, 120_000);

it('says so when its token is not valid, and ends when it is removed', async () => {
  const here = await machine();
  const worker = here.start();
  const { id } = await patientJob();
  await prints(id, 'begun');
  ok(await admin.delete(`/api/admin/workers/${here.id}?force=true`));
  const [code] = (await once(worker.child, 'exit')) as [number | null];
  expect(code).toBe(4);
  expect(worker.printed()).toContain('this worker was removed');
  writeFileSync(join(here.folder, 'worker.token'), `wt_${'x'.repeat(43)}`);
  const stranger = here.start();
  const [refused] = (await once(stranger.child, 'exit')) as [number | null];
  expect(refused).toBe(3);
  expect(stranger.printed()).toContain('the token is not valid here');
}, 120_000);
