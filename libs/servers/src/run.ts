import { execFile } from 'node:child_process';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly cwd?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
  readonly timeoutMs?: number;
}

/** Runs a program to its end; a program that cannot be started counts as code 127. */
export function run(file: string, args: readonly string[], options: RunOptions): Promise<Outcome> {
  const { timeoutMs = 120_000, ...rest } = options;
  return new Promise((done) => {
    execFile(file, args, { ...rest, timeout: timeoutMs, maxBuffer: 32 << 20 }, (error, stdout, stderr) => {
      if (error === null) return done({ code: 0, stdout, stderr });
      const code = typeof error.code === 'number' ? error.code : 127;
      done({ code, stdout, stderr: stderr || error.message });
    });
  });
}

/** Like run(), but a program that fails throws its last words. */
export async function mustRun(file: string, args: readonly string[], options: RunOptions): Promise<string> {
  const { code, stdout, stderr } = await run(file, args, options);
  if (code !== 0) {
    const words = (stderr.trim() || stdout.trim()).split('\n').slice(-3).join(' / ').slice(0, 500);
    throw new Error(`${file.split('/').at(-1)} ended with code ${code}: ${words}`);
  }
  return stdout;
}
