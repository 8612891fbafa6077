import { Secret } from '@lineclear/kit';
import { describe, expect, it } from 'vitest';
import { runpodWebhookUrl, verifyRunpodWebhook } from './runpod-webhook.js';
import type { WebhookQuery } from './webhook.js';

const SECRET = new Secret('a secret of ours');
const RUN = 'lc-1-a1';
const queryOf = (url: string): WebhookQuery => Object.fromEntries(new URL(url).searchParams);
const given = (run = RUN, secret = SECRET): WebhookQuery =>
  queryOf(runpodWebhookUrl({ url: 'https://house.test/api/webhooks/providers/runpod', secret }, run));

describe('a webhook of RunPod', () => {
  const verify = (query: WebhookQuery): unknown =>
    verifyRunpodWebhook({ headers: {}, query, rawBody: '{"id":"other"}', secret: SECRET, now: new Date() });

  it('names the run whose address it came to, whatever it says', () => {
    expect(verify(given())).toEqual({ runKey: RUN });
  });

  it.each([
    ['forged', { ...given(), token: Buffer.alloc(32).toString('base64url') }],
    ['made with another secret', given(RUN, new Secret('guess'))],
    ['made for another run', { ...given('lc-2-a1'), run: RUN }],
    ['cut short', { ...given(), token: given().token?.slice(0, 20) }],
    ['without a token', { run: RUN }],
    ['without a run', { token: given().token }],
    ['about what is no run', given('../../x')],
  ])('is not taken: %s', (_, query) => {
    expect(verify(query)).toBeUndefined();
  });

  it('does not show the secret in its address', () => {
    expect(JSON.stringify(given())).not.toContain(SECRET.reveal());
  });
});
