import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startHouse, type House } from '@lineclear/launcher';
import { makeScratchFolder, pythonWithModule, type PythonWithModule } from '@lineclear/servers';
import { client } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ok, person } from './furnish.js';

const LOOP = fileURLToPath(new URL('../../examples/airflow_loop.py', import.meta.url));

let home: string;
let house: House;
let ada: Awaited<ReturnType<typeof person>>;
let python: PythonWithModule;

beforeAll(async () => {
  home = makeScratchFolder('airflow');
  python = await pythonWithModule('requests', 'python3-requests');
  house = await startHouse({ home: join(home, 'house'), durable: false, env: { ...process.env } });
  ada = await person(house.url, client(house.url, house.adminKey), 'ada', 'researcher');
}, 180_000);

afterAll(async () => {
  await house?.stop();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the loop as a user does, with a job that is a program of one line. */
function loop(name: string, program: string, key = ada.key): Promise<Ended> {
  const file = join(home, `${name}.json`);
  writeFileSync(
    file,
    JSON.stringify({
      config_name: name,
      config: { command: [process.execPath, '-e', program] },
      hardware: 'local',
      estimated_duration_seconds: 10,
    }),
  );
  const env = {
    ...python.env,
    LINECLEAR_URL: house.url,
    LINECLEAR_API_KEY: key,
    LINECLEAR_POLL_SECONDS: '0.2',
  };
  return new Promise((resolve) => {
    execFile(python.file, [LOOP, 'local', file], { env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });
}

it('ends with 0 when the job completed, and prints it', async () => {
  const ended = await loop('good', 'console.log("trained")');
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(ended.stdout)).toMatchObject({ config_name: 'good', status: 'completed' });
}, 60_000);

it('ends with 1 when the job failed', async () => {
  const ended = await loop('bad', 'process.exit(3)');
  expect(ended).toMatchObject({ code: 1, stderr: '' });
  expect(JSON.parse(ended.stdout)).toMatchObject({ config_name: 'bad', status: 'failed' });
}, 60_000);

it('ends with 2 when somebody cancelled the job', async () => {
  const ending = loop('long', 'setInterval(() => {}, 1000)');
  const id = await vi.waitFor(async () => {
    const { jobs } = ok(await ada.get('/api/cloud/jobs'));
    const job = (jobs as { job_id: string; config_name: string }[]).find(
      ({ config_name }) => config_name === 'long',
    );
    expect(job).toBeDefined();
    return job?.job_id;
  });
  ok(await ada.post(`/api/cloud/jobs/${id}/cancel`), 202);
  const ended = await ending;
  expect(ended).toMatchObject({ code: 2, stderr: '' });
  expect(JSON.parse(ended.stdout)).toMatchObject({ job_id: id, status: 'cancelled' });
}, 60_000);

it('says what was refused, and waits for nothing', async () => {
  const ended = await loop('stranger', '0', 'no-key-of-anyone');
  expect(ended.code).not.toBe(0);
  expect(ended.stderr).toContain('401');
}, 60_000);
