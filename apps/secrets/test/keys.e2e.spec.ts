import { randomBytes } from 'node:crypto';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { resolveSecrets } from '@lineclear/contracts';
import { createLogger, openDatabase, SealingKey, startService, type Database } from '@lineclear/kit';
import { client, connectPeer, people, startBackends, type Backends } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { define } from '../src/app.module.js';
import { readConfig } from '../src/config.js';
import { loadSealingKey } from '../src/keys/sealing-key.js';
import { unlock } from '../src/keys/unlock.js';

const log = createLogger({ name: 'secrets', format: 'json', level: 'silent' });
const BINDING = { purpose: 'secret', scope: 'global', secretId: 'x', name: 'X', version: 1 } as const;

let backends: Backends;
let env: Record<string, string>;
let keyFile: string;
const opened: Database[] = [];

beforeAll(async () => {
  backends = await startBackends();
});
afterAll(() => backends?.stop());
beforeEach(async () => {
  keyFile = join(backends.dir, randomBytes(4).toString('hex'), 'credential.key');
  env = await backends.envFor('secrets', { LINECLEAR_KEY_FILE: keyFile });
});
afterEach(async () => {
  for (const database of opened.splice(0)) await database.close();
});

const open = async (): Promise<Database> => {
  const { entities, migrations } = define(env);
  const database = await openDatabase({ url: env['DATABASE_URL']!, poolSize: 2, entities, migrations, log });
  opened.push(database);
  return database;
};
const unlocking = async (database: Database, more: Record<string, string> = {}) =>
  unlock(database, readConfig({ ...env, ...more }), log);
const keks = async (database: Database): Promise<unknown[]> => database.query('select * from kek');
const key = (byte: number): { LINECLEAR_CREDENTIAL_KEY: string } => ({
  LINECLEAR_CREDENTIAL_KEY: Buffer.alloc(32, byte).toString('base64'),
});

it('makes a key at the very first start and finds it again', async () => {
  const database = await open();
  const record = (await unlocking(database)).seal(BINDING, 'kept');
  expect((await unlocking(database)).open(BINDING, record).reveal()).toBe('kept');
  expect(await keks(database)).toHaveLength(1);
});

it('makes one key, and one sealing key, however many start at once', async () => {
  const databases = await Promise.all(Array.from({ length: 6 }, open));
  const rings = await Promise.all(databases.map((database) => unlocking(database)));
  const record = rings[0]!.seal(BINDING, 'one');
  for (const ring of rings) expect(ring.open(BINDING, record).reveal()).toBe('one');
  expect(await keks(databases[0]!)).toHaveLength(1);
  const keys = await Promise.all(databases.map((database, n) => loadSealingKey(database, rings[n]!)));
  expect(new Set(keys.map(({ publicKey }) => publicKey)).size).toBe(1);
});

it('takes the key of the environment before the file, and makes no file then', async () => {
  const database = await open();
  const record = (await unlocking(database, key(1))).seal(BINDING, 'x');
  await expect(readFile(keyFile)).rejects.toThrow('ENOENT');
  expect((await unlocking(database, key(1))).open(BINDING, record).reveal()).toBe('x');
});

it('refuses a wrong key, says so without showing it, and changes nothing', async () => {
  const database = await open();
  await unlocking(database, key(1));
  const before = await keks(database);
  await expect(unlocking(database, key(2))).rejects.toThrow(
    /not the key.*LINECLEAR_CREDENTIAL_KEY must hold that one/,
  );
  await expect(unlocking(database, key(2))).rejects.not.toThrow(key(2).LINECLEAR_CREDENTIAL_KEY);
  expect(await keks(database)).toEqual(before);
});

it('refuses a key whose id is right and whose check value is not', async () => {
  const database = await open();
  await unlocking(database, key(1));
  await database.query(`update kek set check_value = '\\x00'`);
  await expect(unlocking(database, key(1))).rejects.toThrow('not the key');
});

it('refuses to make a new key where secrets are encrypted with one that is gone', async () => {
  const database = await open();
  await unlocking(database);
  await rm(keyFile);
  await expect(unlocking(database)).rejects.toThrow(/there is no .*credential\.key.*bring that key back/);
  await expect(readFile(keyFile)).rejects.toThrow('ENOENT');
});

it('refuses a key file that others can read', async () => {
  const database = await open();
  await unlocking(database);
  await chmod(keyFile, 0o640);
  await expect(unlocking(database)).rejects.toThrow('open to others');
});

it('does not start at all with a wrong key: nothing is served and nothing answered', async () => {
  const right = await startService(define({ ...env, ...key(1) }));
  const peer = await connectPeer(backends.nats.url);
  try {
    const admin = client(right.url, people(peer).add('admin').token);
    expect((await admin.post('/api/secrets', { name: 'X', value: 'y' })).status).toBe(201);
    await right.close();
    await expect(startService(define({ ...env, ...key(2) }))).rejects.toThrow('not the key');
    const question = {
      names: ['X'],
      for: { purpose: 'provider', provider: 'p' },
      public_key: new SealingKey().publicKey,
    } as const;
    await expect(peer.ask(resolveSecrets, { ...question, names: ['X'] })).rejects.toThrow();
    const again = await startService(define({ ...env, ...key(1) }));
    expect((await peer.ask(resolveSecrets, { ...question, names: ['X'] })).missing).toEqual([]);
    await again.close();
  } finally {
    await peer.close();
  }
});

it('leaves a key file as it is when it holds no key', async () => {
  const database = await open();
  await unlocking(database);
  await writeFile(keyFile, 'oops\n', { mode: 0o600 });
  await expect(unlocking(database)).rejects.toThrow('does not hold');
  expect(await readFile(keyFile, 'utf8')).toBe('oops\n');
});
