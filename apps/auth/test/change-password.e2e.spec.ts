import { refusesBadInput } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openAuthHouse, PASSWORD, type AuthHouse } from './auth-house.js';

let house: AuthHouse;
const LOGIN = '/api/auth/login';
const CHANGE = '/api/auth/change-password';

beforeAll(async () => {
  house = await openAuthHouse();
});
afterAll(() => house?.close());

it('refuses bad input and strangers', async () => {
  const { http, username } = await house.person('viewer');
  expect((await house.anonymous.post(CHANGE, {})).status).toBe(401);
  const good = { current_password: PASSWORD, new_password: 'another lever to pull' };
  const before = await house.rows();
  await refusesBadInput(http.post, CHANGE, good, [
    ['new_password', { ...good, new_password: 'short' }],
    ['new_password', { ...good, new_password: 'n'.repeat(257) }],
    ['new_password', { ...good, new_password: 'password1234' }],
    ['new_password', { ...good, new_password: `${username}@lineclear.test` }],
    ['new_password', { ...good, new_password: PASSWORD }],
    ['current_password', { ...good, current_password: '' }],
    ['current_password', { new_password: good.new_password }],
  ]);
  expect(await house.rows()).toEqual(before);
});

it('needs the current one, and guesses count', async () => {
  const { http, username } = await house.person('viewer');
  const wrong = { current_password: 'guess', new_password: 'another lever to pull' };
  for (let n = 0; n < 5; n += 1) {
    const answer = await http.post(CHANGE, wrong, { 'x-forwarded-for': '203.0.113.50' });
    expect([answer.status, answer.body.errors[0].path]).toEqual([400, 'current_password']);
  }
  expect((await http.post(CHANGE, wrong, { 'x-forwarded-for': '203.0.113.50' })).status).toBe(429);
  expect((await house.anonymous.post(LOGIN, { username, password: PASSWORD })).status).toBe(429);
});

it('ends the other sessions and leaves this one and the keys', async () => {
  const { username, http: byKey } = await house.person('viewer');
  const [here, there] = [await house.login(username), await house.login(username)];
  const answer = await here.http.post(CHANGE, {
    current_password: PASSWORD,
    new_password: 'another lever to pull',
  });
  expect(answer.status).toBe(200);
  expect((await here.http.get('/api/auth/me')).status).toBe(200);
  expect((await there.http.get('/api/auth/me')).status).toBe(401);
  expect((await byKey.get('/api/auth/me')).status).toBe(200);
  expect((await house.anonymous.post(LOGIN, { username, password: PASSWORD })).status).toBe(401);
  expect((await house.anonymous.post(LOGIN, { username, password: 'another lever to pull' })).status).toBe(
    200,
  );
});
