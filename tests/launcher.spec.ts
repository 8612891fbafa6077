import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type House, type HouseOptions, type ServiceSpec, startHouse } from '@lineclear/launcher';
import { makeScratchFolder, startNats, startPostgres, startRedis } from '@lineclear/servers';
import { connect } from '@nats-io/transport-node';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, afterEach, expect, it, vi } from 'vitest';

const script = fileURLToPath(new URL('./launcher-fake-service.mjs', import.meta.url));
const fake = (name: string, more: Partial<ServiceSpec> = {}): ServiceSpec => ({
  name,
  script,
  hasStores: true,
  env: () => ({ FAKE_NAME: name }),
  ...more,
});
const AUTH = fake('auth');
const POLLER = fake('job-poller');
const GATEWAY = fake('gateway', {
  hasStores: false,
  isFront: true,
  env: ({ urlOf }) => ({ FAKE_NAME: 'gateway', AUTH_URL: urlOf('auth') }),
});

const base = makeScratchFolder('house');
const houses: House[] = [];
const open = async (name: string, options: Partial<HouseOptions> = {}): Promise<House> => {
  const house = await startHouse({
    home: join(base, name),
    services: [AUTH, POLLER, GATEWAY],
    env: bareEnv(),
    durable: false,
    ...options,
  });
  houses.push(house);
  return house;
};
afterEach(async () => {
  await Promise.all(houses.splice(0).map((house) => house.stop()));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const bareEnv = (): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  HOME: process.env['HOME'],
  TOKEN_OF_A_CLOUD: 'kept',
});
const envOf = async (house: House, name: string): Promise<Record<string, string>> =>
  (await (await fetch(`${house.services[name]?.url}/env`)).json()) as Record<string, string>;

async function queryOf(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

it('gives each service its own stores, its address, and what the user set', async () => {
  const house = await open('stores');
  const [auth, poller, gateway] = await Promise.all(
    ['auth', 'job-poller', 'gateway'].map((name) => envOf(house, name)),
  );
  expect(auth).toMatchObject({
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PUBLIC_URL: house.url,
    LINECLEAR_HOME: join(base, 'stores'),
    TOKEN_OF_A_CLOUD: 'kept',
  });
  expect(gateway).toMatchObject({ AUTH_URL: house.services['auth']?.url, PORT: new URL(house.url).port });
  expect(gateway).not.toHaveProperty('DATABASE_URL');
  expect(new URL(auth?.['NATS_URL'] ?? '').username).toBe('auth');

  const database = auth?.['DATABASE_URL'] ?? '';
  expect(await queryOf(database, 'select current_database() d, current_user u')).toEqual([
    { d: 'lineclear_auth', u: 'lineclear_auth' },
  ]);
  await queryOf(database, 'create table mine (n int)');
  for (const other of ['lineclear_job_poller', 'postgres', 'template1']) {
    const url = new URL(database);
    url.pathname = `/${other}`;
    await expect(queryOf(url.href, 'select 1')).rejects.toThrow(/permission denied for database/);
  }
  expect(poller?.['DATABASE_URL']).toBe(house.services['job-poller']?.databaseUrl);

  const { username, password, host } = new URL(poller?.['NATS_URL'] ?? '');
  const nats = await connect({ servers: host, user: username, pass: password });
  await nats.flush();
  await nats.close();
  await expect(connect({ servers: host, reconnect: false, maxReconnectAttempts: 0 })).rejects.toThrow(
    /Authorization/i,
  );
  const redis = new Redis(poller?.['REDIS_URL'] ?? '');
  expect(await redis.ping()).toBe('PONG');
  redis.disconnect();
});

it('makes the first admin once, and finds everything as it was at the next start', async () => {
  const home = join(base, 'twice');
  const first = await open('twice');
  expect(first.adminKey).toBe('lc_npm start');
  const files = ['admin.key', 'admin.password', 'passwords.json', 'logs/auth.log'];
  expect(files.filter((file) => (statSync(join(home, file)).mode & 0o777) !== 0o600)).toEqual([]);
  const database = first.services['auth']?.databaseUrl ?? '';
  await queryOf(database, 'create table mine as select 42 as n');
  await first.stop();

  // The account is there but its key was lost to a crash: it is asked for again.
  rmSync(join(home, 'admin.key'));
  const second = await open('twice');
  expect(second.adminKey).toBe('lc_npm start');
  expect(readFileSync(join(home, 'admin.key'), 'utf8')).toBe('lc_npm start\n');
  expect(await queryOf(second.services['auth']?.databaseUrl ?? '', 'select n from mine')).toEqual([
    { n: 42 },
  ]);
  expect(readFileSync(join(home, 'logs', 'auth.log'), 'utf8')).toMatch(
    /auth listens[\s\S]*auth ends[\s\S]*auth listens/,
  );
});

it('closes a database to others also when the start that made it was cut off', async () => {
  const first = await open('cut-off');
  // As it is between the making and the closing.
  await queryOf(first.servers.postgres.url, 'grant connect on database lineclear_auth to public');
  await first.stop();
  const second = await open('cut-off');
  const url = new URL(second.services['job-poller']?.databaseUrl ?? '');
  url.pathname = '/lineclear_auth';
  await expect(queryOf(url.href, 'select 1')).rejects.toThrow(/permission denied for database/);
});

it('starts a service again that was killed, and leaves one alone that was stopped', async () => {
  const lines: string[] = [];
  const house = await open('killed', { print: (from, line) => lines.push(`${from}: ${line}`) });
  const poller = house.services['job-poller'];
  const auth = house.services['auth'];
  if (poller === undefined || auth === undefined) throw new Error('no such service');
  const { pid } = poller;
  poller.kill('SIGKILL');
  await vi.waitFor(() => expect(poller.pid).not.toBeOneOf([0, pid]));
  await vi.waitFor(async () => expect((await fetch(`${poller.url}/health/ready`)).status).toBe(200));
  expect(lines.join('\n')).toContain('job-poller: ended (SIGKILL); it is started again');

  await auth.stop();
  expect(auth.pid).toBe(0);
  await expect(fetch(`${auth.url}/env`)).rejects.toThrow('fetch failed');
  await auth.start();
  expect((await envOf(house, 'auth'))['FAKE_NAME']).toBe('auth');
});

it('starts a server again that died', async () => {
  const house = await open('server-died');
  const { redis } = house.servers;
  const { pid } = redis;
  process.kill(pid, 'SIGKILL');
  await vi.waitFor(() => expect(redis.pid).not.toBeOneOf([0, pid]), { timeout: 15_000 });
});

it('starts no server again after its own end', async () => {
  const lines: string[] = [];
  const house = await open('died-at-the-end', { print: (from, line) => lines.push(`${from}: ${line}`) });
  const { redis } = house.servers;
  process.kill(redis.pid, 'SIGKILL');
  await vi.waitFor(() => expect(lines.join('\n')).toContain('redis: ended (SIGKILL)'));
  await house.stop();
  const isRevived = vi.waitFor(() => expect(redis.pid).not.toBe(0), { timeout: 2_000 });
  expect(
    await isRevived.then(
      () => true,
      () => false,
    ),
  ).toBe(false);
});

it('refuses a second house in the same folder, and a front port that is taken', async () => {
  const house = await open('one');
  await expect(open('one')).rejects.toThrow(`is in use: process ${process.pid}`);
  const port = Number(new URL(house.url).port);
  await expect(open('other', { port })).rejects.toThrow(`port ${port} of 127.0.0.1 is taken`);
});

it('ends everything when a service cannot start, and says what it said', async () => {
  const broken = fake('broken', { env: () => ({ FAKE_REFUSES: 'KEY_FILE: is missing' }) });
  const options = { services: [AUTH, broken] };
  await expect(open('broken', options)).rejects.toThrow(/broken does not start.*KEY_FILE: is missing/s);
  const fixed = await open('broken', { services: [AUTH, fake('broken')] });
  expect(fixed.services['broken']?.pid).toBeGreaterThan(0);
});

it('uses the servers that the environment names, and leaves them running', async () => {
  const dir = (name: string): string => join(base, 'theirs', name);
  const [postgres, redis, nats] = await Promise.all([
    startPostgres({ dir: dir('postgres'), durable: false }),
    startRedis({ dir: dir('redis'), durable: false }),
    startNats({ dir: dir('nats'), durable: false }),
  ]);
  try {
    const env = { ...bareEnv(), DATABASE_URL: postgres.url, REDIS_URL: redis.url, NATS_URL: nats.url };
    const house = await open('guest', { env });
    const auth = await envOf(house, 'auth');
    expect(auth).toMatchObject({ REDIS_URL: redis.url, NATS_URL: nats.url });
    expect(new URL(auth['DATABASE_URL'] ?? '').host).toBe(new URL(postgres.url).host);
    expect(new URL(auth['DATABASE_URL'] ?? '').username).toBe('lineclear_auth');
    expect(await envOf(house, 'gateway')).not.toHaveProperty('DATABASE_URL');
    expect(house.rows.find(({ what }) => what === 'redis')?.how).toBe('yours, from REDIS_URL');
    await house.stop();
    expect([postgres.pid, redis.pid, nats.pid]).not.toContain(0);
  } finally {
    await Promise.all([postgres.stop(), redis.stop(), nats.stop()]);
  }
});
