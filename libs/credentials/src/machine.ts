import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { UnusableFile } from './errors.js';

/** What a credential is looked for in. Given from outside, so that nothing here reads the process's own environment. */
export interface Machine {
  /** The home folder, absolute. */
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file; undefined where there is none. @throws UnusableFile for one that is there and cannot be read. */
  readonly readFile: (path: string) => Promise<string | undefined>;
}

const MAX_FILE_BYTES = 1_048_576;

/** The machine with this home folder, read from its disk. */
export const machineAt = (home: string, env: Machine['env']): Machine => ({
  home,
  env,
  readFile: async (path) => {
    const file = await readIfThere(path);
    return file && textOf(path, file.content);
  },
});

export interface FileState {
  readonly content: Buffer;
  /** Its permission bits. */
  readonly mode: number;
}

/** A regular file's bytes and mode, of up to 1 MiB; undefined where there is none. @throws UnusableFile */
export async function readIfThere(path: string, maxBytes = MAX_FILE_BYTES): Promise<FileState | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw new UnusableFile(path, 'is not a regular file');
      if (stat.size > maxBytes) throw new UnusableFile(path, `is larger than ${maxBytes} bytes`);
      return { content: await file.readFile(), mode: stat.mode & 0o7777 };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof UnusableFile) throw error;
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new UnusableFile(path, `cannot be read (${code})`);
  }
}

/** A file's text. Anything but UTF-8 is refused: written back it would not be what it was. @throws UnusableFile */
export function textOf(path: string, content: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    throw new UnusableFile(path, 'is not UTF-8 text');
  }
}

export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
