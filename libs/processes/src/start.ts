import { spawn } from 'node:child_process';
import { mkdir, open, stat } from 'node:fs/promises';
import { isAbsolute, join, normalize, sep } from 'node:path';
import { REDACT_SCRIPT, SUPERVISOR } from './local-supervisor.js';
import { placeSecrets, removeSecrets, type GivenFile, type GivenSecret } from './placed-secrets.js';
import type { RunFolder } from './run-folder.js';

/** What is to run. */
export interface RunOrder {
  readonly runKey: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Else the run's folder. */
  readonly workingDirectory: string | undefined;
  readonly secrets: ReadonlyMap<string, GivenSecret>;
  readonly files: readonly GivenFile[];
  readonly outputPath: string | null;
  readonly checkpointPath: string | null;
  /** Where an attempt before it left checkpoints; else `checkpointPath`, for one that is not the first. */
  readonly resumeFrom?: string | undefined;
}

/** Of its starter's own environment a run gets these two and nothing else. */
export interface Surroundings {
  readonly path: string;
  readonly lang: string;
}

/** Nothing was started. `refused`: nor will it ever be. */
export class CannotRun extends Error {
  override readonly name = 'CannotRun';

  constructor(
    readonly kind: 'refused' | 'not started',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Starts a run in its folder, if nobody has. @throws CannotRun */
export async function startRun(folder: RunFolder, order: RunOrder, around: Surroundings): Promise<void> {
  await folder.make();
  const output = await outputFolder(folder, order.outputPath);
  const work = order.workingDirectory ?? folder.path;
  if (!(await isFolder(work)))
    throw new CannotRun('refused', `config.working_directory ${work} is not a folder`);
  const log = await open(join(folder.path, 'log'), 'a', 0o600);
  try {
    const { env, cleaned } = await placeSecrets(folder.path, order);
    await new Promise<void>((resolve, reject) => {
      const child = spawn(
        '/bin/sh',
        ['-c', SUPERVISOR, 'lineclear-run', process.execPath, ...order.command],
        {
          cwd: folder.path,
          // A process group of its own: it is stopped as a whole, and is not when its starter is.
          detached: true,
          stdio: ['ignore', log.fd, log.fd],
          env: {
            PATH: around.path,
            LANG: around.lang,
            HOME: folder.path,
            ...order.env,
            ...env,
            LINECLEAR_RUN_KEY: order.runKey,
            LINECLEAR_JOB_ID: order.jobId,
            LINECLEAR_ATTEMPT: String(order.attempt),
            LINECLEAR_OUTPUT_DIR: output,
            LINECLEAR_CHECKPOINT_DIR: folder.checkpoints,
            ...checkpointsOf(order),
            LINECLEAR_WORK: work,
            LINECLEAR_PATH: around.path,
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
}

function checkpointsOf({ attempt, checkpointPath, resumeFrom }: RunOrder): Record<string, string> {
  const from = resumeFrom ?? (attempt > 1 ? checkpointPath : null);
  return {
    ...(checkpointPath === null ? {} : { LINECLEAR_CHECKPOINT_PATH: checkpointPath }),
    ...(from === null ? {} : { LINECLEAR_RESUME_FROM: from }),
  };
}

function notStarted(cause: NodeJS.ErrnoException): CannotRun {
  // Larger than what the system hands to any process: it always will be.
  const kind = cause.code === 'E2BIG' ? 'refused' : 'not started';
  return new CannotRun(kind, `no process could be started: ${cause.message}`, { cause });
}

/**
 * Where results go: `output` in the run's folder, a path below it, or an absolute path, which the command, running as the same
 * user, could write to anyway.
 */
async function outputFolder(folder: RunFolder, wanted: string | null): Promise<string> {
  if (wanted === null) return folder.output;
  if (wanted.includes('://') || wanted.includes('\u0000'))
    throw new CannotRun('refused', `output_path ${wanted.slice(0, 200)} is not a path on this machine`);
  const path = isAbsolute(wanted) ? normalize(wanted) : normalize(join(folder.output, wanted));
  if (!isAbsolute(wanted) && !`${path}${sep}`.startsWith(`${folder.output}${sep}`))
    throw new CannotRun('refused', 'output_path leads out of the folder of the run');
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    throw new CannotRun('refused', `output_path ${path} cannot be made: ${(cause as Error).message}`, {
      cause,
    });
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
