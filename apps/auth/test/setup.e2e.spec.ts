import { openDatabase } from '@lineclear/kit';
import { refusesBadInput } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { define } from '../src/app.module.js';
import { ADMIN, openAuthHouse, type AuthHouse } from './auth-house.js';

let house: AuthHouse;
const PATH = '/api/auth/setup/first-admin';

beforeAll(async () => {
  house = await openAuthHouse({ firstAdmin: false });
});
afterAll(() => house?.close());

it('says that it waits for its first admin', async () => {
  expect((await house.anonymous.get('/api/auth/setup/status')).body).toEqual({
    needs_setup: true,
    has_admin: false,
    user_count: 0,
  });
});

it('refuses bad input and makes nobody', async () => {
  await refusesBadInput(house.anonymous.post, PATH, ADMIN, [
    ['email', { ...ADMIN, email: 'nobody' }],
    ['email', { ...ADMIN, email: `${'a'.repeat(250)}@b.test` }],
    ['username', { ...ADMIN, username: 'a b' }],
    ['username', { ...ADMIN, username: '' }],
    ['username', { ...ADMIN, username: 'a'.repeat(51) }],
    ['username', { ...ADMIN, username: 7 }],
    ['password', { ...ADMIN, password: 'short' }],
    ['password', { ...ADMIN, password: 'x'.repeat(257) }],
    ['password', { ...ADMIN, password: 'password1234' }],
    ['password', { username: 'root', email: ADMIN.email }],
    ['display_name', { ...ADMIN, display_name: 'a\r\nBcc: x' }],
    ['display_name', { ...ADMIN, display_name: ' ' }],
  ]);
  expect((await house.anonymous.get('/api/auth/setup/status')).body.user_count).toBe(0);
});

it.each([
  ['another machine, behind the gateway', { 'x-forwarded-for': '203.0.113.7' }],
  ['another machine that says it is this one first', { 'x-forwarded-for': '127.0.0.1, 203.0.113.7' }],
  ['another machine, behind a proxy on this one', { 'x-forwarded-for': '203.0.113.7, 127.0.0.1' }],
  ['a page of another site in this machine’s browser', { 'sec-fetch-site': 'cross-site' }],
  [
    'a page of a site whose name was pointed at this machine',
    { origin: 'http://evil.test:8080', 'x-forwarded-host': 'evil.test:8080' },
  ],
])('is closed to %s', async (_, headers) => {
  expect((await house.anonymous.post(PATH, ADMIN, headers)).status).toBe(403);
});

it('makes one admin of many who come at once', async () => {
  const names = Array.from({ length: 8 }, (_, n) => `root${n}`);
  const answers = await Promise.all(
    names.map((username) =>
      house.anonymous.post(PATH, { ...ADMIN, username, email: `${username}@lineclear.test` }),
    ),
  );
  expect(answers.map(({ status }) => String(status)).toSorted()).toEqual([
    '201',
    ...Array<string>(7).fill('409'),
  ]);
  const made = answers.find(({ status }) => status === 201)?.body.user;
  expect(made).toMatchObject({ level: 'admin', level_names: ['admin'], is_active: true });
  expect(JSON.stringify(answers.map(({ body }) => body))).not.toMatch(/argon2|password_hash/);
  expect((await house.anonymous.get('/api/auth/setup/status')).body).toEqual({
    needs_setup: false,
    has_admin: true,
    user_count: 1,
  });
  expect((await house.anonymous.post(PATH, { ...ADMIN, username: 'late' })).status).toBe(409);
});

it('has tables that agree with its entities', async () => {
  const { entities, migrations, config } = define(await house.backends.envFor('auth'));
  const database = await openDatabase({
    url: config.DATABASE_URL,
    poolSize: 2,
    entities,
    migrations,
    log: house.service.log,
  });
  try {
    const { upQueries } = await database.source.driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
  } finally {
    await database.close();
  }
});
