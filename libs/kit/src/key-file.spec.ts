import { chmod, lchown, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  createKeyFile,
  decodeMasterKey,
  findMasterKey,
  findMasterKeys,
  readKeyFile,
  type KeyFile,
} from './key-file.js';
import { createLogger } from './logger.js';

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lineclear-key-'));
  path = join(dir, 'credential.key');
});
const named = (at: string): KeyFile => ({ path: at, variable: 'LINECLEAR_KEY_FILE' });
afterEach(() => rm(dir, { recursive: true, force: true }));

it('makes a key that only its owner reads, in a folder it makes too', async () => {
  path = join(dir, 'new', 'credential.key');
  expect(await readKeyFile(named(path))).toBeUndefined();
  await createKeyFile(named(path));
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await readKeyFile(named(path)))?.[0]?.length).toBe(32);
  expect(await readdir(join(dir, 'new'))).toEqual(['credential.key']);
});

it('makes one key when many start at once, and never replaces one', async () => {
  const keys = await Promise.all(
    Array.from({ length: 20 }, async () => {
      await createKeyFile(named(path));
      return (await readKeyFile(named(path)))?.[0]?.toString('hex');
    }),
  );
  expect(new Set(keys).size).toBe(1);
  expect(await readdir(dir)).toEqual(['credential.key']);
});

it.each([0o640, 0o604, 0o660, 0o622, 0o644])('refuses a file of mode %o', async (mode) => {
  await createKeyFile(named(path));
  await chmod(path, mode);
  await expect(readKeyFile(named(path))).rejects.toThrow(/open to others.*chmod 600/);
});

it('follows a link of its own, to a file that is closed to others', async () => {
  await createKeyFile(named(path));
  await symlink(path, join(dir, 'link'));
  expect(await readKeyFile(named(join(dir, 'link')))).toEqual(await readKeyFile(named(path)));
  await chmod(path, 0o644);
  await expect(readKeyFile(named(join(dir, 'link')))).rejects.toThrow('open to others');
});

it('refuses a link that someone else made, and a file that is theirs', async () => {
  await createKeyFile(named(path));
  const link = join(dir, 'link');
  await symlink(path, link);
  // Root is trusted by everyone, so as root the files are given away; another user looks at them as a stranger.
  const me = process.getuid?.() ?? 0;
  if (me === 0) for (const each of [link, path]) await lchown(each, 65_534, 65_534);
  await expect(readKeyFile(named(link), me === 0 ? 0 : me + 1)).rejects.toThrow(
    'a link that another user made',
  );
  await expect(readKeyFile(named(path), me === 0 ? 0 : me + 1)).rejects.toThrow('belongs to another user');
});

it.each(['', 'not a key', 'A'.repeat(2_000)])('refuses a file that holds %j', async (text) => {
  await writeFile(path, text, { mode: 0o600 });
  await expect(readKeyFile(named(path))).rejects.toThrow(/LINECLEAR_KEY_FILE: .*(does not hold|too large)/);
  expect(await readFile(path, 'utf8')).toBe(text);
});

it('refuses a folder, and says so when the place cannot be used', async () => {
  await expect(readKeyFile(named(dir))).rejects.toThrow('LINECLEAR_KEY_FILE');
  await writeFile(join(dir, 'file'), '');
  await expect(createKeyFile(named(join(dir, 'file', 'key')))).rejects.toThrow('cannot be made');
});

it('reads several keys, one per line, and where one is expected says so', async () => {
  const [one, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  await writeFile(path, `${one.toString('base64')}\n${other.toString('base64')}\n`, { mode: 0o600 });
  expect(await readKeyFile(named(path))).toEqual([one, other]);
  const source = { given: undefined, path, variable: 'LINECLEAR_KEY_FILE', inUse: undefined, onMade: '' };
  const log = createLogger({ name: 'test', format: 'json', level: 'silent' });
  expect(await findMasterKeys(source, log)).toEqual([one, other]);
  await expect(findMasterKey(source, log)).rejects.toThrow('holds several keys');
});

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));

it('reads back every key of 32 bytes, with white space around it or not', () => {
  fc.assert(
    fc.property(bytes32, (key) => decodeMasterKey(` ${key.toString('base64')}\n`)?.equals(key) === true),
  );
});

it.each([
  '',
  'secret',
  'A'.repeat(42),
  'A'.repeat(45),
  Buffer.alloc(31).toString('base64'),
  Buffer.alloc(33).toString('base64'),
  '!'.repeat(44),
  'ab'.repeat(32),
])('takes %j for no key', (text) => expect(decodeMasterKey(text)).toBeUndefined());
