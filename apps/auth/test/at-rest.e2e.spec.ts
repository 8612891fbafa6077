import { randomBytes } from 'node:crypto';
import { chmod, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger, openDatabase, startService, type Database } from '@lineclear/kit';
import { startBackends, type Backends } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { define } from '../src/app.module.js';
import { readConfig } from '../src/config.js';
import type { AtRest } from '../src/credentials/at-rest.js';
import { unlockAtRest } from '../src/credentials/unlock-at-rest.js';

const log = createLogger({ name: 'auth', format: 'json', level: 'silent' });

let backends: Backends;
let env: Record<string, string>;
let keyFile: string;
const opened: Database[] = [];

beforeAll(async () => {
  backends = await startBackends();
});
afterAll(() => backends?.stop());
beforeEach(async () => {
  keyFile = join(backends.dir, randomBytes(4).toString('hex'), 'auth.key');
  env = await backends.envFor('auth', { LINECLEAR_AUTH_KEY_FILE: keyFile });
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
const unlocking = async (database: Database, more: Record<string, string> = {}): Promise<AtRest> =>
  unlockAtRest(database, readConfig({ ...env, ...more }), log);
const other = { LINECLEAR_AUTH_KEY_BASE64: Buffer.alloc(32, 2).toString('base64') };
/** A row of any table that has a sealed column. */
const sealSomething = (database: Database, atRest: AtRest): Promise<unknown> =>
  database
    .query('create table some_table (id text, sealed_value bytea)')
    .then(() =>
      database.query('insert into some_table values ($1, $2)', [
        '1',
        atRest.seal('provider-secret', '1', 'kept'),
      ]),
    );

it('does not start without being told of a key', () => {
  expect(() => readConfig({ ...env, LINECLEAR_AUTH_KEY_FILE: '' })).toThrow('LINECLEAR_AUTH_KEY_FILE');
  const bad = { ...env, LINECLEAR_AUTH_KEY_BASE64: 'hunter2-hunter2' };
  expect(() => readConfig(bad)).toThrow('LINECLEAR_AUTH_KEY_BASE64');
  expect(() => readConfig(bad)).not.toThrow('hunter2');
});

it('makes a key at the very first start, for its owner alone, and finds it again', async () => {
  const database = await open();
  const sealed = (await unlocking(database)).seal('provider-secret', '1', 'kept');
  expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
  expect((await unlocking(database)).open('provider-secret', '1', sealed).reveal()).toBe('kept');
});

it('makes one key, however many start at once', async () => {
  const databases = await Promise.all(Array.from({ length: 6 }, open));
  const keys = await Promise.all(databases.map((database) => unlocking(database)));
  expect(new Set(keys.map(({ checkValue }) => checkValue.toString('hex'))).size).toBe(1);
});

it('refuses another key where something is sealed, without showing it, and changes nothing', async () => {
  const database = await open();
  await sealSomething(database, await unlocking(database));
  const before = await database.query('select * from at_rest_key');
  await expect(unlocking(database, other)).rejects.toThrow('not the key');
  await expect(unlocking(database, other)).rejects.not.toThrow(other.LINECLEAR_AUTH_KEY_BASE64);
  await expect(startService(define({ ...env, ...other }))).rejects.toThrow('not the key');
  expect(await database.query('select * from at_rest_key')).toEqual(before);
});

it('makes no new key where something is sealed with one that is gone', async () => {
  const database = await open();
  await sealSomething(database, await unlocking(database));
  await rm(keyFile);
  await expect(unlocking(database)).rejects.toThrow(/there is no .*auth\.key.*bring that key back/);
  await expect(readFile(keyFile)).rejects.toThrow('ENOENT');
});

it('takes any key while nothing is sealed', async () => {
  const database = await open();
  await unlocking(database);
  await rm(keyFile);
  const next = await unlocking(database);
  await sealSomething(database, next);
  expect((await unlocking(database)).checkValue).toEqual(next.checkValue);
});

it('refuses a key file that others can read', async () => {
  const database = await open();
  await unlocking(database);
  await chmod(keyFile, 0o640);
  await expect(unlocking(database)).rejects.toThrow(/LINECLEAR_AUTH_KEY_FILE: .*open to others/);
});
