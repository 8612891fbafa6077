import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeScratchFolder } from '@lineclear/servers';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { startWorkerServer, TASK, type WorkerServer } from './worker-server.fixture.js';
import { lineclear, type Ran } from './world.fixture.js';

const PATIENCE = { timeout: 20_000, interval: 20 };
const TOKEN = `wt_${'t'.repeat(43)}`;

let home: string;
beforeEach(() => {
  home = makeScratchFolder('worker');
  writeFileSync(join(home, 'token'), `${TOKEN}\n`);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const serving = async (script: string): Promise<WorkerServer> => {
  const server = await startWorkerServer(['/bin/sh', '-c', script]);
  onTestFinished(() => server.close());
  return server;
};

interface Started {
  readonly ended: Promise<Ran>;
  readonly signal: () => void;
}

function worker(server: WorkerServer, ...options: string[]): Started {
  let signalled: (signal: NodeJS.Signals) => void = () => undefined;
  const ended = lineclear(
    home,
    ['worker', '--server', server.url, '--token-file', join(home, 'token'), '--stop-grace', '0', ...options],
    {
      onSignal: (handler) => {
        signalled = handler;
        return () => undefined;
      },
    },
  );
  return { ended, signal: () => signalled('SIGTERM') };
}

const marked = (name: string): string => join(home, name);

it('runs what it is given, tells what is written and how it ends, and takes nothing more once it is to end', async () => {
  const server = await serving('echo one; echo two >&2; exit 3');
  const { ended, signal } = worker(server, '--label', 'gpu=a100', '--slots', '2');
  await vi.waitFor(() => expect(server.states()).toEqual(['running', 'failed']), PATIENCE);
  signal();
  expect(await ended).toMatchObject({ code: 0, stdout: expect.stringContaining(`${TASK.job_id}: failed`) });
  expect(server.output()).toBe('one\ntwo\n');
  expect(server.said[0]).toMatchObject({ path: 'register', body: { slots: 2, labels: { gpu: 'a100' } } });
  expect(server.said.at(-1)).toEqual({ path: 'heartbeat', body: { tasks: [], draining: true } });
});

it('starts nothing before the server said once more that the task is its own', async () => {
  const server = await serving(`touch ${marked('begun')}`);
  server.answer = (path) =>
    path.endsWith('/status') ? { status: 409, body: { code: 'conflict', detail: 'too late' } } : undefined;
  const { ended, signal } = worker(server);
  await vi.waitFor(() => expect(server.states()).toEqual(['running']), PATIENCE);
  signal();
  expect((await ended).code).toBe(0);
  expect(existsSync(marked('begun'))).toBe(false);
});

it('stops what is not its own any more, and says nothing of it', async () => {
  const server = await serving(`echo $$ > ${marked('pid')}; sleep 300`);
  const { ended, signal } = worker(server);
  await vi.waitFor(() => expect(readFileSync(marked('pid'), 'utf8')).toMatch(/\n/), PATIENCE);
  server.answer = (path) =>
    path === 'heartbeat' ? { status: 200, body: { stop: [], abandon: [TASK.id] } } : undefined;
  const pid = Number(readFileSync(marked('pid'), 'utf8'));
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), PATIENCE);
  signal();
  expect(await ended).toMatchObject({ stdout: expect.stringContaining('abandoned') });
  expect(server.states()).toEqual(['running']);
});

it('does not take for the server’s word what something on the way says, and keeps what it could not tell', async () => {
  const server = await serving(
    `i=0; while [ $i -lt 500 ]; do echo "line $i"; i=$((i+1)); done; touch ${marked('done')}`,
  );
  let away = false;
  let turns = 0;
  server.answer = () => {
    if (!away) return undefined;
    turns += 1;
    return turns % 2 === 0 ? 'cut' : { status: 404, body: { message: 'no such host here' } };
  };
  const { ended, signal } = worker(server);
  await vi.waitFor(() => expect(server.states()).toEqual(['running']), PATIENCE);
  away = true;
  await vi.waitFor(() => expect(existsSync(marked('done'))).toBe(true), PATIENCE);
  await vi.waitFor(() => expect(turns).toBeGreaterThan(4), PATIENCE);
  away = false;
  await vi.waitFor(() => expect(server.states().at(-1)).toBe('succeeded'), PATIENCE);
  expect(server.output()).toBe(Array.from({ length: 500 }, (_, line) => `line ${line}\n`).join(''));
  signal();
  expect((await ended).code).toBe(0);
});

it('sends characters whole, wherever a part ends', async () => {
  const server = await serving(
    `printf x; i=0; while [ $i -lt 700 ]; do printf '${'\u{1F682}'.repeat(50)}'; i=$((i+1)); done; echo`,
  );
  const { ended, signal } = worker(server);
  await vi.waitFor(() => expect(server.states()).toEqual(['running', 'succeeded']), PATIENCE);
  expect(server.output()).toBe(`x${'\u{1F682}'.repeat(35_000)}\n`);
  signal();
  expect((await ended).code).toBe(0);
});

it('sends much output whole, and nothing that a job wrote into our own files stops it', async () => {
  const server = await serving(
    `for i in $(seq 70); do echo "$i" >> ~/hidden; done; head -c 5000 /dev/zero | tr '\\0' n >> ~/hidden; seq 60000`,
  );
  const { ended, signal } = worker(server);
  await vi.waitFor(() => expect(server.states()).toEqual(['running', 'succeeded']), PATIENCE);
  expect(server.output().length).toBe(
    Array.from({ length: 60_000 }, (_, line) => `${line + 1}\n`).join('').length,
  );
  for (const { path, body } of server.said.filter((one) => one.path.endsWith('/log'))) {
    expect((body['hidden'] as string[]).length, path).toBeLessThanOrEqual(64);
    expect(Math.max(0, ...(body['hidden'] as string[]).map((name) => name.length))).toBeLessThanOrEqual(128);
  }
  signal();
  expect((await ended).code).toBe(0);
});

it('gives back what it was given and had not begun when it was killed', async () => {
  const folder = join(home, '.lineclear/worker/tasks');
  mkdirSync(folder, { recursive: true });
  const { id, lease, job_id } = TASK;
  const record = { id, lease, job_id, max_runtime_seconds: null, started_at: null, stopped_for: null };
  writeFileSync(join(folder, `${lease}.json`), JSON.stringify({ ...record, log_bytes: 0, log_chars: 0 }));
  const server = await serving('true');
  server.answer = (path) => (path === 'take' ? { status: 200, body: { task: null } } : undefined);
  const { ended, signal } = worker(server);
  await vi.waitFor(() => expect(server.states()).toEqual(['returned']), PATIENCE);
  signal();
  expect((await ended).code).toBe(0);
  expect(existsSync(join(folder, `${lease}.json`))).toBe(false);
});

it('is one command in a folder', async () => {
  const server = await serving('true');
  const { ended, signal } = worker(server);
  await vi.waitFor(() => expect(server.states()).toHaveLength(2), PATIENCE);
  expect(await worker(server).ended).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('a worker in this folder'),
  });
  signal();
  await ended;
});

it.each([
  [['--label', 'gpu'], 2, '--label'],
  [['--slots', '0'], 2, '--slots'],
  [['--server', 'ftp://x'], 2, 'the address'],
  [['--token-file', '/no/such/file'], 1, '/no/such/file'],
])('refuses %j', async (options, code, text) => {
  const server = await serving('true');
  expect(await worker(server, ...options).ended).toMatchObject({
    code,
    stderr: expect.stringContaining(text),
  });
  expect(server.said).toEqual([]);
});
