import { spawn } from 'node:child_process';
import { isAbsolute, join, normalize, sep } from 'node:path';
import { mkdir, open, readdir, stat } from 'node:fs/promises';
import { localConfig, variableName } from '@lineclear/contracts';
import type { z } from 'zod';
import {
  ProviderFailure,
  type Adapter,
  type Capabilities,
  type LogPart,
  type Observation,
  type Submission,
} from './adapter.js';
import { runKeyOf } from '../domain/run.js';
import { identityOf } from './container.js';
import { bytesOf, RunFolder } from './local-folder.js';
import { placeSecrets, removeSecrets } from './local-secrets.js';
import { REDACT_SCRIPT, SUPERVISOR } from './local-supervisor.js';

// A supervisor that has its folder says who it is within milliseconds; when it has not after this long, it died.
const STARTING_MS = 10_000;
const GROUP_WAIT_MS = 1_000;

export interface LocalOptions {
  readonly runsDir: string;
  readonly stopGraceMs: number;
  /** Of this service's own environment a run gets these two and nothing else. */
  readonly path: string;
  readonly lang: string;
}

/**
 * Processes on this machine. Each run has a folder named by its key; everything that is known of it is in there, so that a
 * poller that was killed finds its runs again, and what ended meanwhile too.
 */
export class LocalAdapter implements Adapter {
  readonly authSecret = undefined;
  readonly capabilities: Capabilities = {
    cancel: true,
    logs: true,
    files: true,
    cancelAgainMs: GROUP_WAIT_MS,
    poll: { baseMs: 1_000, maxMs: 1_000 },
    logsEveryMs: 0,
    maxCalls: 32,
  };

  constructor(
    readonly name: string,
    private readonly options: LocalOptions,
  ) {}

  async submit(submission: Submission): Promise<{ externalId: string }> {
    const config = checked(submission);
    const folder = this.#folder(submission.runKey);
    await folder.make();
    const output = await outputFolder(folder, submission.outputPath);
    const work = config.working_directory ?? folder.path;
    if (!(await isFolder(work)))
      throw new ProviderFailure('refused', `config.working_directory ${work} is not a folder`);
    const left = await this.#checkpointsBefore(submission);
    const log = await open(join(folder.path, 'log'), 'a', 0o600);
    try {
      const { env, cleaned } = await placeSecrets(folder.path, submission);
      await new Promise<void>((resolve, reject) => {
        const child = spawn(
          '/bin/sh',
          ['-c', SUPERVISOR, 'lineclear-run', process.execPath, ...config.command],
          {
            cwd: folder.path,
            // A process group of its own: it is stopped as a whole, and is not when this service is.
            detached: true,
            stdio: ['ignore', log.fd, log.fd],
            env: {
              PATH: this.options.path,
              LANG: this.options.lang,
              HOME: folder.path,
              ...config.env,
              ...env,
              ...identityOf(submission),
              LINECLEAR_OUTPUT_DIR: output,
              LINECLEAR_CHECKPOINT_DIR: folder.checkpoints,
              ...(left === undefined ? {} : { LINECLEAR_RESUME_FROM: left }),
              LINECLEAR_WORK: work,
              ...(cleaned.length === 0
                ? {}
                : { LINECLEAR_REDACT: JSON.stringify(cleaned), LINECLEAR_REDACT_SCRIPT: REDACT_SCRIPT }),
            },
          },
        );
        child.once('spawn', resolve);
        child.once('error', reject);
        child.unref();
      });
    } catch (cause) {
      await removeSecrets(folder.path);
      throw notStarted(cause as NodeJS.ErrnoException);
    } finally {
      await log.close();
    }
    return { externalId: submission.runKey };
  }

  /** Not found means that no supervisor has taken the folder; one that comes later still starts the command only once. */
  async find(runKey: string): Promise<{ externalId: string } | null> {
    return (await this.#folder(runKey).state()).is === 'unknown' ? null : { externalId: runKey };
  }

  async get(externalIds: readonly string[]): Promise<ReadonlyMap<string, Observation>> {
    const looks = await Promise.all(externalIds.map(async (id) => [id, await this.#look(id)] as const));
    return new Map(looks.filter((look): look is [string, Observation] => look[1] !== undefined));
  }

  async #look(externalId: string): Promise<Observation | undefined> {
    const folder = this.#folder(externalId);
    const state = await folder.state();
    if (state.is === 'exited' || state.is === 'gone') await removeSecrets(folder.path);
    switch (state.is) {
      case 'unknown':
        return undefined;
      case 'starting':
        if (Date.now() - state.sinceMs < STARTING_MS) return { state: 'starting', word: 'starting' };
        return { state: 'lost', word: 'lost', message: 'its supervisor died before it started the command' };
      case 'running':
        return { state: 'running', word: 'running' };
      case 'gone':
        if (state.afterStop)
          return { state: 'cancelled', word: 'killed', message: 'killed, since it did not stop by itself' };
        return {
          state: 'lost',
          word: 'lost',
          message:
            'its process is gone and left no exit code: killed from outside, or the machine was restarted',
        };
      case 'exited':
        return { ...exited(state.code, state.afterStop), exitCode: state.code, endedAt: state.at };
    }
  }

  /** Asks the run's processes to stop, and after the grace time kills them. */
  async cancel(externalId: string): Promise<void> {
    const folder = this.#folder(externalId);
    const state = await folder.state();
    if (state.is !== 'running') return;
    const { first, sinceMs } = await folder.markStop();
    if (first) signalGroup(state.pid, 'SIGTERM');
    else if (Date.now() - sinceMs >= this.options.stopGraceMs) signalGroup(state.pid, 'SIGKILL');
  }

  async logs(externalId: string, cursor: string | null, isOver: boolean): Promise<LogPart> {
    const from = Number(cursor ?? 0);
    const folder = this.#folder(externalId);
    const [{ bytes, more }, hidden] = [await folder.readLog(from, isOver), await folder.hidden()];
    const text = bytes.toString('utf8');
    const cursorAt = (taken: number): string => String(from + bytesOf(bytes, text.length, taken));
    return { text, cursorAt, more, hidden };
  }

  async close(): Promise<void> {}

  /** The checkpoints of the last attempt before this one that left any. */
  async #checkpointsBefore({ jobId, attempt, checkpointPath }: Submission): Promise<string | undefined> {
    if (checkpointPath !== null) return undefined;
    for (let earlier = attempt - 1; earlier > 0; earlier -= 1) {
      const { checkpoints } = this.#folder(runKeyOf(jobId, earlier));
      if ((await readdir(checkpoints).catch(() => [])).length > 0) return checkpoints;
    }
    return undefined;
  }

  #folder(runKey: string): RunFolder {
    if (!/^lc-[0-9a-f]{32}-a\d{1,10}$/.test(runKey))
      throw new ProviderFailure('refused', 'this is not the key of a run');
    return new RunFolder(join(this.options.runsDir, runKey));
  }
}

function notStarted(cause: NodeJS.ErrnoException): ProviderFailure {
  // Larger than what the system hands to any process: it always will be.
  const kind = cause.code === 'E2BIG' ? 'refused' : 'not sent';
  return new ProviderFailure(kind, `no process could be started: ${cause.message}`, undefined, { cause });
}

function exited(code: number, afterStop: boolean): Observation {
  if (afterStop) return { state: 'cancelled', word: 'stopped' };
  if (code === 0) return { state: 'succeeded', word: 'exited' };
  const how = code > 128 && code < 160 ? `ended by signal ${code - 128}` : `exit code ${code}`;
  return {
    state: 'failed',
    word: 'exited',
    message: code === 127 ? 'the command was not found (exit code 127)' : how,
  };
}

function checked(submission: Submission): z.infer<typeof localConfig> {
  const parsed = localConfig.safeParse(submission.config);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(
      (issue) => `config.${issue.path.map(String).join('.')}: ${issue.message}`,
    );
    throw new ProviderFailure('refused', wrong.join('; ').slice(0, 1_000));
  }
  const bad = [...submission.env].find(
    ([variable, { value }]) => !variableName.safeParse(variable).success || value.reveal().includes('\u0000'),
  );
  if (bad)
    throw new ProviderFailure('refused', `the secret ${bad[1].name} cannot be an environment variable`);
  return parsed.data;
}

/**
 * Where results go: `output` in the run's folder, a path below it, or an absolute path, which the command, running as the same
 * user, could write to anyway.
 */
async function outputFolder(folder: RunFolder, wanted: string | null): Promise<string> {
  if (wanted === null) return folder.output;
  if (wanted.includes('://') || wanted.includes('\u0000'))
    throw new ProviderFailure('refused', `output_path ${wanted.slice(0, 200)} is not a path on this machine`);
  const path = isAbsolute(wanted) ? normalize(wanted) : normalize(join(folder.output, wanted));
  if (!isAbsolute(wanted) && !`${path}${sep}`.startsWith(`${folder.output}${sep}`))
    throw new ProviderFailure('refused', 'output_path leads out of the folder of the run');
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    throw new ProviderFailure(
      'refused',
      `output_path ${path} cannot be made: ${(cause as Error).message}`,
      undefined,
      { cause },
    );
  }
  return path;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // It ended in this moment: the next look shows how.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
