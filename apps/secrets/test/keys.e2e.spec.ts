import { randomBytes } from 'node:crypto';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { resolveSecrets } from '@lineclear/contracts';
import { createLogger, openDatabase, SealingKey, startService, type Database } from '@lineclear/kit';
import { client, connectPeer, people, startBackends, type Backends } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { define } from '../src/app.module.js';
import { readConfig } from '../src/config.js';
import { sealRecord } from '../src/domain/envelope.js';
import { deriveFirstKek } from '../src/domain/kek.js';
import { loadFingerprints, loadSealingKey } from '../src/keys/kept-keys.js';
import type { KeyRing } from '../src/keys/key-ring.js';
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

const seal = async (ring: KeyRing, value: string) => ring.seal(await ring.newest(), BINDING, value);
const reveal = async (ring: KeyRing, record: Awaited<ReturnType<typeof seal>>) =>
  (await ring.open(BINDING, record)).reveal();

it('makes a key at the very first start and finds it again', async () => {
  const database = await open();
  const record = await seal(await unlocking(database), 'kept');
  expect(await reveal(await unlocking(database), record)).toBe('kept');
  expect(await keks(database)).toHaveLength(1);
});

it('makes one key, and one of each of its own, however many start at once', async () => {
  const databases = await Promise.all(Array.from({ length: 6 }, open));
  const rings = await Promise.all(databases.map((database) => unlocking(database)));
  const record = await seal(rings[0]!, 'one');
  for (const ring of rings) expect(await reveal(ring, record)).toBe('one');
  expect(await keks(databases[0]!)).toHaveLength(1);
  const keys = await Promise.all(databases.map((database, n) => loadSealingKey(database, rings[n]!)));
  expect(new Set(keys.map(({ publicKey }) => publicKey)).size).toBe(1);
  const prints = await Promise.all(databases.map((database, n) => loadFingerprints(database, rings[n]!)));
  expect(new Set(prints.map((print) => print.of('x').toString('hex'))).size).toBe(1);
});

it('takes the key of the environment before the file, and makes no file then', async () => {
  const database = await open();
  const record = await seal(await unlocking(database, key(1)), 'x');
  await expect(readFile(keyFile)).rejects.toThrow('ENOENT');
  expect(await reveal(await unlocking(database, key(1)), record)).toBe('x');
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

it('refuses a key that was exchanged for another one in the database', async () => {
  const database = await open();
  await unlocking(database, key(1));
  const [{ wrapped }] = (await database.query<{ wrapped: Buffer }>('select wrapped from kek')) as [
    { wrapped: Buffer },
  ];
  for (const bytes of [Buffer.alloc(0), wrapped.subarray(0, -12), Buffer.from(wrapped).fill(1, 20, 21)]) {
    await database.query('update kek set wrapped = $1', [bytes]);
    await expect(unlocking(database, key(1))).rejects.toThrow('not the key');
  }
  await database.query('update kek set wrapped = $1, id = $2', [wrapped, 'kek_0000000000000000']);
  await expect(unlocking(database, key(1))).rejects.toThrow('not the key');
});

it('takes over the key of a house from before keys were random', async () => {
  const database = await open();
  const first = { ...deriveFirstKek(Buffer.alloc(32, 1)), version: 1 };
  await database.query('insert into kek (id, version, check_value) values ($1, 1, $2)', [
    first.id,
    first.checkValue,
  ]);
  const draw = { dataKey: randomBytes(32), nonce: randomBytes(12), wrapNonce: randomBytes(12) };
  const record = sealRecord(first, BINDING, Buffer.from('old'), draw);
  await expect(unlocking(database, key(2))).rejects.toThrow(`they need ${first.id}`);
  expect(await reveal(await unlocking(database, key(1)), record)).toBe('old');
  // Its wrapped form is kept from now on, and opens like any other.
  expect(await keks(database)).toMatchObject([{ root_id: expect.stringMatching(/^local:/) }]);
  expect(await reveal(await unlocking(database, key(1)), record)).toBe('old');
  await database.query(`update kek set check_value = '\\x00', root_id = null, wrapped = null`);
  await expect(unlocking(database, key(1))).rejects.toThrow('not the key');
});

it('changes the master key without a moment in which anything does not open', async () => {
  const database = await open();
  const [old, both, turned, fresh] = [[1], [1, 2], [2, 1], [2]].map((bytes) => ({
    LINECLEAR_CREDENTIAL_KEY: bytes.map((byte) => Buffer.alloc(32, byte).toString('base64')).join(','),
  }));
  const record = await seal(await unlocking(database, old), 'kept');
  await expect(unlocking(database, fresh)).rejects.toThrow('not the key');
  // One replica after the other learns the new key, then takes it for the first, then forgets the old one.
  const replicas = [await unlocking(database, both), await unlocking(database, turned)];
  for (const ring of [...replicas, await unlocking(database, both), await unlocking(database, turned)])
    expect(await reveal(ring, record)).toBe('kept');
  expect(await reveal(await unlocking(database, fresh), record)).toBe('kept');
  await expect(unlocking(database, old)).rejects.toThrow(/they need local:/);
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
    const admin = client(right.url, (await people(peer)).add('admin').token);
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
