import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { forestall, lookAt, RunFolder, startRun, stopRun, type RunOrder } from './index.js';

const PATIENCE = { timeout: 15_000, interval: 20 };
const AROUND = { path: process.env['PATH'] ?? '', lang: 'C.UTF-8' };

let base: string;
let folder: RunFolder;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'lineclear-processes-'));
  folder = new RunFolder(join(base, 'run'));
});
// Supervisors that came late may still be at work in it: they put something into what is being emptied.
afterEach(() => vi.waitFor(() => rmSync(base, { recursive: true, force: true }), PATIENCE));

const sh = (script: string, more: Partial<RunOrder> = {}): RunOrder => ({
  runKey: 'lc-1-a1',
  jobId: 'job_1',
  attempt: 1,
  command: ['/bin/sh', '-c', script],
  env: {},
  workingDirectory: undefined,
  secrets: new Map(),
  files: [],
  outputPath: null,
  checkpointPath: null,
  ...more,
});
const ends = (state: string): Promise<void> =>
  vi.waitFor(async () => expect(await lookAt(folder)).toMatchObject({ state }), PATIENCE);
const logOf = (): string => readFileSync(join(folder.path, 'log'), 'utf8');

it('runs a command once, however often it is started, and keeps how it ended', async () => {
  expect(await lookAt(folder)).toBeUndefined();
  for (let start = 0; start < 5; start += 1) await startRun(folder, sh('echo begun; exit 3'), AROUND);
  await ends('failed');
  expect(await lookAt(folder)).toMatchObject({ exitCode: 3, message: 'exit code 3' });
  await startRun(folder, sh('echo begun again'), AROUND);
  expect(logOf()).toBe('begun\n');
});

it('begins nothing that was forestalled, unless it is started anew, and forestalls nothing that was begun', async () => {
  for (let round = 0; round < 10; round += 1) {
    await startRun(folder, sh('echo begun; sleep 300'), AROUND);
    // Whoever is first: its supervisor, or we.
    const isForestalled = await forestall(folder);
    if (isForestalled) expect(existsSync(folder.path)).toBe(false);
    else await stopRun(folder, 0);
  }
  await startRun(folder, sh('echo begun'), AROUND);
  await vi.waitFor(async () => {
    await stopRun(folder, 0);
    expect(['succeeded', 'cancelled']).toContain((await lookAt(folder))?.state);
  }, PATIENCE);
  expect(await forestall(folder)).toBe(false);
});

it('runs nothing in a folder that was taken', async () => {
  await folder.make();
  expect(await folder.take()).toBe(true);
  const mark = join(base, 'mark');
  await startRun(folder, sh(`touch ${mark}`), AROUND);
  const other = new RunFolder(join(base, 'other'));
  await startRun(other, sh(`touch ${mark}.other`), AROUND);
  await vi.waitFor(() => expect(existsSync(`${mark}.other`)).toBe(true), PATIENCE);
  expect(await other.take()).toBe(false);
  expect(existsSync(mark)).toBe(false);
});

it('asks a whole group to stop, and kills what does not', async () => {
  await startRun(folder, sh(`trap '' TERM; echo begun; (trap '' TERM; sleep 300) & sleep 300`), AROUND);
  await vi.waitFor(() => expect(logOf()).toBe('begun\n'), PATIENCE);
  await vi.waitFor(async () => {
    await stopRun(folder, 50);
    expect(await lookAt(folder)).toMatchObject({ state: 'cancelled' });
  }, PATIENCE);
});

it('hides what it was given in secret, and takes its files away', async () => {
  const secretOf = (value: string) => ({ reveal: () => value });
  const secrets = new Map([['TOKEN', { name: 'HF_TOKEN', value: secretOf('hunter2-hunter2') }]]);
  const files = [
    { name: 'KEY', value: secretOf('the-content-of-a-key'), file: 'key.pem', variable: 'KEY_FILE' },
  ];
  await startRun(folder, sh('cat "$KEY_FILE"; echo; echo "$TOKEN"', { secrets, files }), AROUND);
  await ends('succeeded');
  expect(logOf()).toBe('[secret]\n[secret]\n');
  expect(await folder.hidden()).toEqual(expect.arrayContaining(['KEY', 'HF_TOKEN']));
  expect(existsSync(join(folder.path, 'secrets/KEY/key.pem'))).toBe(false);
});

it('ends with its command, whatever that left behind holds its output open', async () => {
  const secrets = new Map([['TOKEN', { name: 'HF_TOKEN', value: { reveal: () => 'hunter2-hunter2' } }]]);
  await startRun(folder, sh('sleep 300 & echo "$TOKEN $!"', { secrets }), AROUND);
  await ends('succeeded');
  const [, pid] = /^\[secret\] (\d+)\n$/.exec(logOf()) ?? [];
  process.kill(Number(pid));
});

it('takes a job whose own variables would change what starts and cleans it', async () => {
  const secrets = new Map([['TOKEN', { name: 'HF_TOKEN', value: { reveal: () => 'hunter2-hunter2' } }]]);
  const env = { PATH: '/opt/none', NODE_OPTIONS: '--require ./none.js' };
  await startRun(folder, sh('echo "$TOKEN $PATH $NODE_OPTIONS"', { secrets, env }), AROUND);
  await ends('succeeded');
  expect(logOf()).toBe('[secret] /opt/none --require ./none.js\n');
});

it.each([
  [{ workingDirectory: '/no/such/folder' }, 'working_directory'],
  [{ outputPath: '../../elsewhere' }, 'output_path leads out'],
  [{ outputPath: 's3://bucket/x' }, 'output_path s3://bucket/x'],
])('refuses %j', async (more, text) => {
  await expect(startRun(folder, sh('true', more), AROUND)).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining(text),
  });
});

it('hands out whole lines while more may come, and the rest when it is over', async () => {
  await folder.make();
  writeFileSync(join(folder.path, 'log'), 'one\ntwo\nthr');
  expect((await folder.readLog(0, false)).bytes.toString()).toBe('one\ntwo\n');
  expect((await folder.readLog(8, false)).bytes.toString()).toBe('');
  expect((await folder.readLog(8, true)).bytes.toString()).toBe('thr');
});
