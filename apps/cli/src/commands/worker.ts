import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../command.js';
import { wrongUsage } from '../domain/cli-error.js';
import { wholeNumber } from '../domain/secret-input.js';
import { labelsOf } from '../domain/worker-options.js';
import { takeLock } from '../file-lock.js';
import { defaultUrl, isReadableOnTheWay, parseUrl } from '../own-files.js';
import { TaskRecords } from '../worker/task-records.js';
import { Worker } from '../worker/worker.js';
import { WorkerApi } from '../worker/worker-api.js';
import { ownFolderOf, say, warn } from '../world.js';
import { VERSION } from '../version.js';

const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';
const LOCK_TRIES = 20;

export const worker = command({
  name: 'worker',
  usage:
    '--token-file FILE [--server URL] [--label NAME=VALUE …] [--slots N] [--state-dir DIR] [--stop-grace SECONDS]',
  about: 'Takes jobs from Lineclear and runs them on this machine',
  help: `The token is what the worker's maker was shown. Nothing has to reach this machine: it asks for its jobs, and runs as many at a
time as --slots says (1). Each runs as a process of its own that goes on when this command is killed; started again, it goes on
with it. What it must know for that is in --state-dir (~/.lineclear/worker), where the jobs' output is too.
SIGTERM or Ctrl-C: takes nothing more, and ends when its jobs have. Once more: stops them (SIGKILL after --stop-grace, 10).`,
  options: {
    server: { type: 'string' },
    'token-file': { type: 'string' },
    label: { type: 'string', multiple: true },
    slots: { type: 'string' },
    'state-dir': { type: 'string' },
    'stop-grace': { type: 'string' },
  },
  words: [0, 0],
  run: async ({ options, world }) => {
    const tokenFile = options['token-file'];
    if (tokenFile === undefined) throw wrongUsage('--token-file is missing');
    const server = options.server === undefined ? defaultUrl(world) : parseUrl(options.server);
    const labels = labelsOf(options.label ?? []);
    const slots = wholeNumber('--slots', options.slots ?? '1', { min: 1, max: 16 });
    const graceSeconds = wholeNumber('--stop-grace', options['stop-grace'] ?? '10', { min: 0, max: 3_600 });
    const api = new WorkerApi(server, tokenFile);
    await api.token();
    if (isReadableOnTheWay(server))
      warn(world, `${server.origin} is not https: the token and the secrets of jobs can be read on the way`);
    const folder = options['state-dir'] ?? join(ownFolderOf(world), 'worker');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const release = await takeLock(join(folder, 'worker.lock'), LOCK_TRIES, 'a worker in this folder');
    const [draining, ending] = [new AbortController(), new AbortController()];
    const stopListening = world.onSignal(() => {
      if (draining.signal.aborted) ending.abort();
      draining.abort();
    });
    try {
      const tools = {
        api,
        records: new TaskRecords(folder),
        around: { path: world.env['PATH'] ?? DEFAULT_PATH, lang: world.env['LANG'] ?? 'C.UTF-8' },
        stopGraceMs: graceSeconds * 1_000,
        now: () => world.now().getTime(),
        tell: (line: string) => say(world, line),
        ending: ending.signal,
      };
      const more = { version: VERSION, slots, labels, draining: draining.signal };
      await new Worker(tools, { ...more, warn: (line) => warn(world, line) }).work();
    } finally {
      stopListening();
      await release();
    }
  },
});
