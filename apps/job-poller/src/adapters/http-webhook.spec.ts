import { createHmac } from 'node:crypto';
import { parseConfig, Secret, type ProviderConfigOf } from '@lineclear/kit';
import { fakeProviderConfig } from '@lineclear/testkit';
import { describe, expect, it } from 'vitest';
import { HttpAdapter } from './http.js';
import { verifyHttpWebhook } from './http-webhook.js';

const NOW = new Date('2026-11-28T12:00:00Z');
const SENT = String(NOW.getTime() / 1_000);
const BODY = '{"run":{"id":7,"state":"DONE"}}';
const KEY = Buffer.from('a key of twenty-four byte');
const configOf = (webhook: object): ProviderConfigOf<'http'> =>
  parseConfig(
    JSON.stringify({ providers: { acme: fakeProviderConfig('http://127.0.0.1:9', { webhook }) } }),
    {},
    'it',
  ).providers['acme'] as ProviderConfigOf<'http'>;

const hex = { scheme: 'hmac-sha256', secret: 'HOOK', header: 'X-Signature', id: '/run/id' };
const standard = { scheme: 'standard-webhooks', secret: 'HOOK', id: '/run/id' };
const verify = (
  webhook: object,
  headers: Record<string, string>,
  rawBody = BODY,
  secret = new Secret('shh'),
) => verifyHttpWebhook(configOf(webhook).webhook!, { headers, query: {}, rawBody, secret, now: NOW });

describe('a webhook of a provider that the configuration describes', () => {
  const signature = (body = BODY, secret = 'shh'): string =>
    createHmac('sha256', secret).update(body).digest('hex');

  it.each([signature(), `sha256=${signature()}`])('names its run when it is signed in hex: %s', (one) => {
    expect(verify(hex, { 'x-signature': one })).toEqual({ externalId: '7' });
  });

  it('names its run when it is signed as Standard Webhooks wants it', () => {
    const signed = createHmac('sha256', KEY).update(`m.${SENT}.${BODY}`).digest('base64');
    const headers = { 'webhook-id': 'm', 'webhook-timestamp': SENT, 'webhook-signature': `v1,${signed}` };
    const secret = new Secret(`whsec_${KEY.toString('base64')}`);
    expect(verify(standard, headers, BODY, secret)).toEqual({ externalId: '7' });
    expect(verify(standard, headers, `${BODY} `, secret)).toBeUndefined();
    expect(verify(standard, { 'x-signature': signature() })).toBeUndefined();
  });

  it.each([
    ['forged', { 'x-signature': signature(BODY, 'guess') }, BODY],
    ['of another body', { 'x-signature': signature() }, `${BODY} `],
    ['without a signature', {}, BODY],
    ['in another header', { 'x-other': signature() }, BODY],
    ['about no run', { 'x-signature': signature('{}') }, '{}'],
    ['about a run without a name', { 'x-signature': signature('{"run":{"id":{}}}') }, '{"run":{"id":{}}}'],
    ['not JSON', { 'x-signature': signature('hello') }, 'hello'],
  ])('is not taken: %s', (_, headers, body) => {
    expect(verify(hex, headers, body)).toBeUndefined();
  });

  it('is taken only where the configuration says how it is signed', async () => {
    const adapter = new HttpAdapter('acme', { ...configOf(hex), webhook: undefined }, 1_000);
    const webhook = { headers: { 'x-signature': signature() }, query: {}, rawBody: BODY, now: NOW };
    expect(adapter.webhookSecret).toBeUndefined();
    expect(adapter.verifyWebhook({ ...webhook, secret: new Secret('shh') })).toBeUndefined();
    await adapter.close();
  });

  it.each([
    [{ ...hex, header: undefined }, /webhook\.header/],
    [{ ...standard, header: 'x' }, /header/],
    [{ ...hex, scheme: 'md5' }, /webhook\.scheme/],
    [{ ...hex, id: 'run' }, /webhook\.id/],
  ])('stops the boot for %j', (webhook, message) => {
    expect(() => configOf(webhook)).toThrow(message);
  });
});
