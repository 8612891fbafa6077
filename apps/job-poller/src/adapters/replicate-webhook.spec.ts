import { createHmac } from 'node:crypto';
import { Secret } from '@lineclear/kit';
import { describe, expect, it } from 'vitest';
import { verifyReplicateWebhook } from './replicate-webhook.js';
import type { ArrivedWebhook } from './webhook.js';

const KEY = Buffer.from('a key of twenty-four byte');
const SECRET = new Secret(`whsec_${KEY.toString('base64')}`);
const NOW = new Date('2026-01-01T12:00:00Z');
const SENT = String(NOW.getTime() / 1_000);
const bodyOf = (kind: string): string =>
  JSON.stringify({
    id: 'abc',
    status: 'succeeded',
    urls: { get: `https://api.replicate.test/v1/${kind}/abc` },
  });
const BODY = bodyOf('predictions');

const sign = (text: string, key: Buffer = KEY): string =>
  `v1,${createHmac('sha256', key).update(text).digest('base64')}`;
const RIGHT = sign(`msg_1.${SENT}.${BODY}`);

/** A webhook that is right, but for what a test says. */
const arrived = (
  headers: Record<string, string | undefined> = {},
  more: Partial<ArrivedWebhook> = {},
): ArrivedWebhook => ({
  headers: { 'webhook-id': 'msg_1', 'webhook-timestamp': SENT, 'webhook-signature': RIGHT, ...headers },
  query: {},
  rawBody: BODY,
  secret: SECRET,
  now: NOW,
  ...more,
});

const later = (seconds: number): Partial<ArrivedWebhook> => ({
  now: new Date(NOW.getTime() + seconds * 1_000),
});
const signed = (rawBody: string, timestamp = SENT): ArrivedWebhook =>
  arrived(
    { 'webhook-timestamp': timestamp, 'webhook-signature': sign(`msg_1.${timestamp}.${rawBody}`) },
    { rawBody },
  );

describe('a webhook of Replicate', () => {
  it.each([
    ['right', arrived()],
    ['one of several signatures', arrived({ 'webhook-signature': `v1,AAAA v1a,xyz ${RIGHT}` })],
    ['four minutes old', arrived({}, later(240))],
    ['from a clock four minutes ahead', arrived({}, later(-240))],
  ])('is taken: %s', (_, webhook) => {
    expect(verifyReplicateWebhook(webhook)).toEqual({ externalId: 'abc' });
  });

  it('names a training as its run is named', () => {
    expect(verifyReplicateWebhook(signed(bodyOf('trainings')))).toEqual({ externalId: 'trainings/abc' });
  });

  it('names our key where the input is shown', () => {
    const body = JSON.stringify({ ...JSON.parse(BODY), input: { lineclear_run_key: 'lc-1-a1' } });
    expect(verifyReplicateWebhook(signed(body))).toEqual({ externalId: 'abc', runKey: 'lc-1-a1' });
  });

  it.each([
    ['forged', arrived({ 'webhook-signature': sign(`msg_1.${SENT}.${BODY}`, Buffer.from('another key')) })],
    [
      'signed with no key, where none is set',
      arrived(
        { 'webhook-signature': sign(`msg_1.${SENT}.${BODY}`, Buffer.alloc(0)) },
        { secret: new Secret('whsec_') },
      ),
    ],
    ['signed with what is no signature', arrived({ 'webhook-signature': 'v1,' })],
    ['signed in another way', arrived({ 'webhook-signature': RIGHT.replace('v1,', 'v2,') })],
    ['of another body', arrived({}, { rawBody: BODY.replace('abc', 'abd') })],
    ['of another message', arrived({ 'webhook-id': 'msg_2' })],
    ['replayed after six minutes', arrived({}, later(360))],
    ['from a clock six minutes ahead', arrived({}, later(-360))],
    ['replayed with a new time', arrived({ 'webhook-timestamp': String(Number(SENT) + 360) }, later(360))],
    ['without a time', arrived({ 'webhook-timestamp': undefined })],
    ['of no time', signed(BODY, 'now')],
    ['without an id', arrived({ 'webhook-id': undefined })],
    ['without a signature', arrived({ 'webhook-signature': undefined })],
    ['signed, but not JSON', signed('hello')],
    ['signed, but about nothing', signed('{}')],
  ])('is not taken: %s', (_, webhook) => {
    expect(verifyReplicateWebhook(webhook)).toBeUndefined();
  });
});
