import { mkdir, open, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive } from './process-identity.js';

const LOG_PART_BYTES = 256 * 1024;
const MAX_HIDDEN_CHARS = 64 * 128;

/** What a run's folder says of its process. `starting`: a supervisor has the folder, and has not said yet who it is. */
export type ProcessState =
  | { readonly is: 'unknown' }
  | { readonly is: 'starting'; readonly sinceMs: number }
  | { readonly is: 'running'; readonly pid: number }
  | { readonly is: 'exited'; readonly code: number; readonly at: Date; readonly afterStop: boolean }
  | { readonly is: 'gone'; readonly afterStop: boolean };

/** One local run's folder: how its process is known again after a restart of this one. */
export class RunFolder {
  readonly output: string;
  readonly checkpoints: string;

  constructor(readonly path: string) {
    this.output = join(path, 'output');
    this.checkpoints = join(path, 'checkpoints');
  }

  async make(): Promise<void> {
    for (const folder of [this.path, this.output, this.checkpoints])
      await mkdir(folder, { recursive: true, mode: 0o700 });
  }

  /** Takes the folder, or there is none, so that nothing is started in it any more; false where somebody has it. */
  async take(): Promise<boolean> {
    try {
      await mkdir(join(this.path, 'claim'));
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST' || code === 'ENOENT') return code === 'ENOENT';
      throw error;
    }
  }

  async state(): Promise<ProcessState> {
    const claimed = await timeOf(join(this.path, 'claim'));
    if (claimed === undefined) return { is: 'unknown' };
    const who = await this.#read('pid');
    if (who === undefined) return { is: 'starting', sinceMs: claimed };
    const [pid = '', startTime = ''] = who.trim().split('\n');
    const alive = await isAlive(Number(pid), startTime);
    // In this order: the exit file is there before the process goes.
    const exit = await this.#read('exit');
    if (exit === undefined && alive) return { is: 'running', pid: Number(pid) };
    const stopped = await timeOf(join(this.path, 'stop'));
    if (exit === undefined) return { is: 'gone', afterStop: stopped !== undefined };
    const ended = (await timeOf(join(this.path, 'exit'))) ?? 0;
    return {
      is: 'exited',
      code: Number(exit.trim()),
      at: new Date(ended),
      afterStop: stopped !== undefined && stopped <= ended,
    };
  }

  /** Notes that the run is to stop; gives back since when, in ms. */
  async markStop(): Promise<{ first: boolean; sinceMs: number }> {
    const path = join(this.path, 'stop');
    try {
      await writeFile(path, '', { flag: 'wx', mode: 0o600 });
      return { first: true, sinceMs: Date.now() };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      return { first: false, sinceMs: (await timeOf(path)) ?? Date.now() };
    }
  }

  /** Output from a byte on, up to the last line end where there is one: a character or a word is then never cut in two. */
  async readLog(from: number, isOver: boolean): Promise<{ bytes: Buffer; more: boolean }> {
    let file: Awaited<ReturnType<typeof open>>;
    try {
      file = await open(join(this.path, 'log'), 'r');
    } catch {
      return { bytes: Buffer.alloc(0), more: false };
    }
    try {
      const buffer = Buffer.alloc(LOG_PART_BYTES);
      const { bytesRead } = await file.read(buffer, 0, LOG_PART_BYTES, from);
      const read = buffer.subarray(0, bytesRead);
      const full = bytesRead === LOG_PART_BYTES;
      if (isOver && !full) return { bytes: read, more: false };
      const end = Math.max(read.lastIndexOf(0x0a), read.lastIndexOf(0x0d)) + 1;
      return {
        bytes: end > 0 ? read.subarray(0, end) : full ? wholeCharacters(read) : read.subarray(0, 0),
        more: full,
      };
    } finally {
      await file.close();
    }
  }

  /** Names of the secrets that were taken out of the log while it was written. The run could write to this file too. */
  async hidden(): Promise<string[]> {
    const names = (await this.#read('hidden')) ?? '';
    return names.slice(0, MAX_HIDDEN_CHARS).split('\n');
  }

  async #read(name: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.path, name), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }
}

async function timeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Without the beginning of a UTF-8 character at the end. */
function wholeCharacters(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > bytes.length - 4 && end > 0 && (bytes[end - 1]! & 0xc0) === 0x80) end -= 1;
  return end > 0 && bytes[end - 1]! >= 0xc0 ? bytes.subarray(0, end - 1) : bytes;
}

/** How many of the bytes the first `taken` of their characters are, also where they are no UTF-8. */
export function bytesOf(bytes: Buffer, characters: number, taken: number): number {
  if (taken >= characters) return bytes.length;
  let [least, most] = [0, bytes.length];
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (bytes.toString('utf8', 0, middle).length <= taken) least = middle;
    else most = middle - 1;
  }
  return least;
}
