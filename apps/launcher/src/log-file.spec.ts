import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LogFile } from './log-file.js';

const LONG = 'x'.repeat((16 << 20) + 1);
let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lineclear-log-'));
  path = join(folder, 'auth.log');
});
afterEach(() => rmSync(folder, { recursive: true }));

it('begins a new file when it has grown large, and keeps the one before', async () => {
  const log = new LogFile(path);
  log.write(LONG);
  await vi.waitFor(() => expect(existsSync(path)).toBe(true));
  log.write('next');
  await log.close();
  expect(readFileSync(path, 'utf8')).toBe('next\n');
  expect(statSync(`${path}.1`).size).toBe(LONG.length + 1);
});

it('goes on when somebody took the file away', async () => {
  const log = new LogFile(path);
  log.write(LONG);
  await vi.waitFor(() => expect(existsSync(path)).toBe(true));
  rmSync(path, { force: true });
  log.write('next');
  await log.close();
  expect(readFileSync(path, 'utf8')).toBe('next\n');
});
