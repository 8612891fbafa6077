import { newDevice } from '@lineclear/contracts';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { MAX_KNOWN_DEVICES } from '../src/credentials/note-device.js';
import { openAuthHouse, PASSWORD, type AuthHouse } from './auth-house.js';

let house: AuthHouse;
let made = 0;

beforeAll(async () => {
  house = await openAuthHouse();
});
afterAll(() => house?.close());

const FIREFOX = (version: number): string =>
  `Mozilla/5.0 (X11; Linux x86_64; rv:${version}) Gecko/20100101 Firefox/${version}`;

/** Somebody who has not logged in yet. */
async function newcomer(): Promise<{ id: number; username: string }> {
  made += 1;
  const username = `novice.${made}`;
  const email = `${username}@lineclear.test`;
  const { body } = await house.admin.post('/api/users', { username, email, password: PASSWORD });
  return { id: body.id, username };
}
const login = async (username: string, address: string, userAgent: string, password = PASSWORD) =>
  house.anonymous.post(
    '/api/auth/login',
    { username, password },
    { 'x-forwarded-for': address, 'user-agent': userAgent },
  );
/** Of this person, in order; what a later login says shows that none before it is still on its way. */
async function toldUntil(userId: number, device: string): Promise<[string, string][]> {
  const ofThem = () => house.peer.events(newDevice).filter(({ data }) => data.user_id === userId);
  await vi.waitFor(() => expect(ofThem().at(-1)?.data.device).toBe(device));
  return ofThem().map(({ data }) => [data.device, data.address]);
}

it('tells of a new program or network, once, and never of the first login', async () => {
  const { id, username } = await newcomer();
  await login(username, '203.0.113.7', FIREFOX(145));
  await login(username, '203.0.113.7', FIREFOX(146));
  await login(username, '203.0.113.8', FIREFOX(146));
  await login(username, '203.0.113.8', FIREFOX(147));
  await login(username, '203.0.113.7', 'curl/8.5.0');
  await login(username, '2001:db8::1', 'curl/8.5.0');
  await login(username, '2001:db8::2', 'curl/8.5.0');
  await login(username, '203.0.113.7', 'the-end/1');
  expect(await toldUntil(id, 'the-end')).toEqual([
    ['Firefox on Linux', '203.0.113.8'],
    ['curl', '203.0.113.7'],
    ['curl', '2001:db8::1'],
    ['the-end', '203.0.113.7'],
  ]);
  const [event] = house.peer.events(newDevice).filter(({ data }) => data.user_id === id);
  expect(event?.data).toEqual({
    user_id: id,
    username,
    device: 'Firefox on Linux',
    address: '203.0.113.8',
  });
  expect(event?.subject).toBe(`user/${id}`);
});

it('is not told, nor noted, of a login that fails', async () => {
  const { id, username } = await newcomer();
  await login(username, '203.0.113.7', 'curl/8.5.0');
  await login(username, '203.0.113.66', 'evil/1', 'not the password');
  await login(username, '203.0.113.7', 'the-end/1');
  expect(await toldUntil(id, 'the-end')).toEqual([['the-end', '203.0.113.7']]);
});

it('is the first but once when several log in at the same moment', async () => {
  const { id, username } = await newcomer();
  await Promise.all([1, 2, 3].map((n) => login(username, '203.0.113.7', `program${n}/1`)));
  await login(username, '203.0.113.7', 'the-end/1');
  expect(await toldUntil(id, 'the-end')).toHaveLength(3);
});

it('keeps so many per person, those that were seen last', async () => {
  const { id, username } = await newcomer();
  await login(username, '203.0.113.1', 'mine/1');
  const { database } = house.service;
  await database.query(
    `insert into known_devices (user_id, agent_family, address_group, first_seen_at, last_seen_at)
     select $1, 'old', n::text, now() - interval '1 year', now() - n * interval '1 day'
     from generate_series(1, $2::int) as n`,
    [id, MAX_KNOWN_DEVICES - 1],
  );
  const oldest = String(MAX_KNOWN_DEVICES - 1);
  const kept = async (): Promise<string[]> =>
    (
      await database.query<{ name: string }>(
        `select agent_family || ' ' || address_group as name from known_devices where user_id = $1`,
        [id],
      )
    ).map(({ name }) => name);
  expect(await kept()).toContain(`old ${oldest}`);
  await login(username, '203.0.113.1', 'another/1');
  expect(await kept()).toHaveLength(MAX_KNOWN_DEVICES);
  expect(await kept()).toEqual(expect.arrayContaining(['mine 203.0.113.1', 'another 203.0.113.1', 'old 1']));
  expect(await kept()).not.toContain(`old ${oldest}`);
});
