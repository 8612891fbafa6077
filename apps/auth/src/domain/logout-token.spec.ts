import { expect, it } from 'vitest';
import { logoutOf } from './logout-token.js';

const NOW = new Date('2026-03-01T12:00:00Z');
const iat = NOW.getTime() / 1_000;
const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
const good = { iat, jti: 'j1', sub: 'ada', sid: 's1', events };

it.each([
  [good, { jti: 'j1', sub: 'ada', sid: 's1' }],
  [
    { iat, jti: 'j1', sub: 'ada', events },
    { jti: 'j1', sub: 'ada', sid: undefined },
  ],
  [
    { iat, jti: 'j1', sid: 's1', events },
    { jti: 'j1', sub: undefined, sid: 's1' },
  ],
  [{ ...good, iat: iat - 600 }, {}],
  [{ ...good, iat: iat + 60 }, {}],
])('takes %j', (claims, logout) => {
  expect(logoutOf(claims, NOW)).toMatchObject({ state: 'right', ...logout });
});

it.each([
  ['iat', { ...good, iat: undefined }],
  ['iat', { ...good, iat: iat - 601 }],
  ['iat', { ...good, iat: iat + 61 }],
  ['iat', { ...good, iat: String(iat) }],
  ['nonce', { ...good, nonce: 'n' }],
  ['nonce', { ...good, nonce: undefined }],
  ['events', { ...good, events: undefined }],
  ['events', { ...good, events: {} }],
  ['events', { ...good, events: null }],
  ['events', { ...good, events: Object.keys(events) }],
  ['events', { ...good, events: { [Object.keys(events)[0]!]: true } }],
  ['jti', { ...good, jti: undefined }],
  ['jti', { ...good, jti: '' }],
  ['sid', { iat, jti: 'j1', events }],
  ['sid', { ...good, sid: 3 }],
  ['sub', { ...good, sub: '' }],
  ['sub', { ...good, sub: 'x'.repeat(501) }],
])('refuses for its %s %j', (why, claims) => {
  expect(logoutOf(claims, NOW)).toEqual({ state: 'wrong', why: expect.stringContaining(why) });
});

it('is remembered for longer than it is taken', () => {
  const early = logoutOf({ ...good, iat: iat + 60 }, NOW);
  expect(early.state === 'right' && early.goodForSeconds).toBeGreaterThan(660);
});
