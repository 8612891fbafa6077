import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ADMIN, openAuthHouse, type AuthHouse } from './auth-house.js';

const PROXY = '203.0.113.7';
const LOGIN = '/api/auth/login';
/** More wrong passwords than any address gets for free. */
const GUESSES = 20;

let folder: string;
let house: AuthHouse;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lineclear-proxies-'));
  const config = join(folder, 'lineclear.yaml');
  writeFileSync(config, `network: { trust_proxy_headers: true, trusted_proxies: ['${PROXY}/32'] }`);
  house = await openAuthHouse({ env: { LINECLEAR_CONFIG: config } });
});
afterAll(async () => {
  await house?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A wrong password that came, as the gateway tells, by these hops. */
const guess = (n: number, ...hops: readonly string[]) =>
  house.anonymous.post(
    LOGIN,
    { username: `nobody-${hops.at(0)}-${n}`, password: 'not the password' },
    { 'x-forwarded-for': hops.join(', ') },
  );

async function statuses(guesses: number, hopsOf: (n: number) => readonly string[]): Promise<number[]> {
  const answers: number[] = [];
  for (let n = 0; n < guesses; n += 1) answers.push((await guess(n, ...hopsOf(n))).status);
  return answers;
}

it('counts the guesses of a client behind a trusted proxy against that client alone', async () => {
  expect(await statuses(GUESSES, () => ['198.51.100.20', PROXY])).toEqual(Array(GUESSES).fill(401));
  expect((await guess(99, '198.51.100.20', PROXY)).status).toBe(429);
  expect((await guess(99, '198.51.100.21', PROXY)).status).toBe(401);
});

it('counts on, whatever the client says its address is', async () => {
  const rotated = await statuses(GUESSES + 1, (n) => [`192.0.2.${n}`, '198.51.100.30', PROXY]);
  expect(rotated.at(-1)).toBe(429);
});

it('counts on, whatever comes by a proxy that nobody trusts', async () => {
  const rotated = await statuses(GUESSES + 1, (n) => [`192.0.2.${n + 100}`, '198.51.100.40']);
  expect(rotated.at(-1)).toBe(429);
});

it('shows a session the address of its client', async () => {
  const { username, password } = ADMIN;
  await house.anonymous.post(LOGIN, { username, password }, { 'x-forwarded-for': `198.51.100.50, ${PROXY}` });
  const [session] = await house.service.database.query<{ address: string }>(
    'select address from sessions order by id desc limit 1',
  );
  expect(session?.address).toBe('198.51.100.50');
});
