import { expect, it } from 'vitest';
import { isFromSlack } from './slack-signature.js';

// The example of Slack's own documentation.
const SECRET = '8f742231b10e8888abcd99yyyzzz85a5';
const TIMESTAMP = '1531420618';
const SIGNATURE = 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503';
const BODY =
  'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
const at = (seconds: number) => new Date((Number(TIMESTAMP) + seconds) * 1_000);

it.each([
  ['as it came', {}, BODY, 0, true],
  ['a little late', {}, BODY, 299, true],
  ['too late', {}, BODY, 301, false],
  ['too early', {}, BODY, -301, false],
  ['another body', {}, `${BODY} `, 0, false],
  ['another time', { timestamp: '1531420619' }, BODY, 0, false],
  ['a time that is none', { timestamp: '1531420618.0' }, BODY, 0, false],
  ['no time', { timestamp: '' }, BODY, 0, false],
  ['no signature', { signature: '' }, BODY, 0, false],
  ['a signature of another kind', { signature: SIGNATURE.replace('v0', 'v1') }, BODY, 0, false],
  ['another signature', { signature: SIGNATURE.replace('a2', 'a3') }, BODY, 0, false],
])('of %s', (_, proof, body, seconds, isTrue) => {
  const given = { timestamp: TIMESTAMP, signature: SIGNATURE, ...proof };
  expect(isFromSlack(SECRET, given, Buffer.from(body), at(seconds))).toBe(isTrue);
});

it('of another secret', () => {
  const proof = { timestamp: TIMESTAMP, signature: SIGNATURE };
  expect(isFromSlack('another', proof, Buffer.from(BODY), at(0))).toBe(false);
});
