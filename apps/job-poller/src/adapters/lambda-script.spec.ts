import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '@lineclear/kit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProviderFailure, type Submission } from './adapter.js';
import { exitCodeIn } from './container.js';
import { userDataOf } from './lambda-script.js';

const VALUE = `it's "so" $(touch /tmp/no) \\ \nsecret`;

const submission = (config: Record<string, unknown>, hardware = 'gpu_1x_a10'): Submission => ({
  runKey: 'lc-1-a1',
  jobId: 'job_1',
  attempt: 1,
  config,
  hardware,
  env: new Map([['TOKEN', { name: 'token', value: new Secret(VALUE) }]]),
  files: [],
  maxRuntimeSeconds: 60,
  outputPath: null,
  checkpointPath: null,
});

interface CloudInit {
  readonly write_files: readonly { path: string; permissions: string; content: string }[];
  readonly runcmd: unknown;
}

function cloudInit(userData: string): CloudInit & { readonly files: ReadonlyMap<string, string> } {
  expect(userData).toMatch(/^#cloud-config\n\{/);
  const told = JSON.parse(userData.slice('#cloud-config\n'.length)) as CloudInit;
  const files = new Map(
    told.write_files.map(({ path, content }) => [path, Buffer.from(content, 'base64').toString('utf8')]),
  );
  return { ...told, files };
}

describe('what an instance of Lambda does by itself', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lambda-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Runs it as an instance would, but for the places of its files; answers its log. */
  const run = (userData: string): string => {
    const { files } = cloudInit(userData);
    const moved = (text: string): string =>
      text.replaceAll('/run/lineclear', folder).replaceAll('/var/log/lineclear.log', join(folder, 'log'));
    for (const [path, text] of files) writeFileSync(moved(path), moved(text));
    try {
      execFileSync('sh', [join(folder, 'run')]);
    } catch {
      // Its end is in its log.
    }
    return readFileSync(join(folder, 'log'), 'utf8');
  };

  it.each([
    [['sh', '-c', 'echo "$EPOCHS $LINECLEAR_RUN_KEY"; printf %s "$TOKEN"; exit 3'], `3 lc-1-a1\n${VALUE}`, 3],
    [['printf', "it's %s", 'fine'], "it's fine", 0],
    [['no-such-program'], 'not found', 127],
  ])('runs %j with its variables, and says in its log how it ended', (command, output, code) => {
    const log = run(userDataOf(submission({ command, env: { EPOCHS: '3' } }), undefined));
    expect(log).toContain(output);
    expect(exitCodeIn(log, 'lc-1-a1')).toBe(code);
  });

  it('keeps what has secrets in it for root alone, in memory, and off command lines', () => {
    const { write_files, runcmd, files } = cloudInit(
      userDataOf(submission({ image: 'a:1', command: ['train'] }), undefined),
    );
    expect(write_files.map(({ path, permissions }) => [path, permissions])).toEqual([
      ['/run/lineclear/env', '0600'],
      ['/run/lineclear/run', '0600'],
    ]);
    expect(runcmd).toEqual([['sh', '/run/lineclear/run']]);
    expect(files.get('/run/lineclear/run')).not.toContain('secret');
    expect(files.get('/run/lineclear/run')).toContain(
      `'docker' 'run' '--rm' '--gpus' 'all' '--env' 'LINECLEAR_RUN_KEY'`,
    );
    expect(files.get('/run/lineclear/run')).toContain(`'--env' 'TOKEN' 'a:1' 'train'`);
  });

  it('takes the image of the configuration, and no GPUs where there are none', () => {
    const script = cloudInit(userDataOf(submission({}, 'cpu_4x_general'), 'base:2')).files.get(
      '/run/lineclear/run',
    );
    expect(script).toContain(`'TOKEN' 'base:2'`);
    expect(script).not.toContain('--gpus');
  });

  it.each([
    [{}, 'config.command is missing'],
    [{ command: 'x' }, 'config.command'],
  ])('refuses %j', (config, message) => {
    expect(() => userDataOf(submission(config), undefined)).toThrow(ProviderFailure);
    expect(() => userDataOf(submission(config), undefined)).toThrow(message);
  });

  it('refuses more than Lambda takes', () => {
    const config = { command: ['x'], notes: 'y'.repeat(800_000) };
    expect(() => userDataOf(submission(config), undefined)).toThrow('1 MB');
  });
});
