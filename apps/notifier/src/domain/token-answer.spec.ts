import { expect, it } from 'vitest';
import { readTokenAnswer, usableMs } from './token-answer.js';

const granted = { accessToken: 'abc', expiresInSeconds: undefined, refreshToken: undefined };

it.each<[number, unknown, unknown]>([
  [200, { access_token: 'abc' }, granted],
  [200, { access_token: 'abc', expires_in: 3600 }, { ...granted, expiresInSeconds: 3600 }],
  [200, { access_token: 'abc', expires_in: '60' }, { ...granted, expiresInSeconds: 60 }],
  [200, { access_token: 'abc', expires_in: 'soon' }, granted],
  [200, { access_token: 'abc', refresh_token: 'next' }, { ...granted, refreshToken: 'next' }],
  [200, {}, 'the token server gave no access_token'],
  [200, { access_token: 'a\r\nb' }, 'the token server gave no access_token'],
  [200, { error: 'slow_down' }, 'the token server gave no access_token: slow_down'],
  [200, null, 'the token server answered no JSON object, or more than is read'],
  [500, {}, 'the token server answered 500'],
  [
    400,
    { error: 'invalid_grant', error_description: 'ended\r\nfor canary' },
    'the token server answered 400: invalid_grant: ended  for [hidden]',
  ],
  [302, { access_token: 'abc' }, 'the token server answered 302'],
])('of %i %j makes %j', (status, body, expected) => {
  expect(readTokenAnswer(status, JSON.stringify(body), ['canary'])).toEqual(expected);
});

it('takes no text for JSON, and cuts what it quotes', () => {
  expect(readTokenAnswer(200, '<html>')).toBe(
    'the token server answered no JSON object, or more than is read',
  );
  expect(readTokenAnswer(400, JSON.stringify({ error: 'x'.repeat(5_000) }))).toHaveLength(231);
});

it.each([
  [3_600, 3_540_000],
  [100, 90_000],
  [0, 0],
  [-5, 0],
  [1e12, 86_340_000],
  [undefined, 270_000],
])('uses a token of %s seconds for %i ms', (expiresInSeconds, ms) => {
  expect(usableMs({ ...granted, expiresInSeconds })).toBe(ms);
});
