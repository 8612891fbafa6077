import { createHmac } from 'node:crypto';
import { Secret } from '@lineclear/kit';
import { describe, expect, it } from 'vitest';
import { verifyVastWebhook } from './vast-webhook.js';

const NOW = new Date('2026-11-28T12:00:00Z');
const SECONDS = NOW.getTime() / 1_000;
const BODY = '{"event_id":"e1","notif_type":"instance_offline","timestamp":1772490000.1}';

const signed = (at: number | string, body = BODY, secret = 'shh'): Record<string, string> => ({
  'x-vast-event-id': 'e1',
  'x-vast-timestamp': String(at),
  'x-vast-signature-256': `sha256=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`,
});

describe('webhooks of Vast', () => {
  const verify = (headers: Record<string, string | undefined>, rawBody = BODY): unknown =>
    verifyVastWebhook({ headers, query: {}, rawBody, secret: new Secret('shh'), now: NOW });

  it.each([0, -299, 299])(
    'says to look at all runs with one that is right, with clocks %d seconds apart',
    (apart) => {
      expect(verify(signed(SECONDS + apart))).toBe('all');
    },
  );

  it.each([
    ['replayed', signed(SECONDS - 301), BODY],
    ['of tomorrow', signed(SECONDS + 301), BODY],
    ['forged', signed(SECONDS, BODY, 'guess'), BODY],
    ['with another body', signed(SECONDS), `${BODY} `],
    ['with another time', { ...signed(SECONDS), 'x-vast-timestamp': String(SECONDS + 1) }, BODY],
    ['with no time', signed('now'), BODY],
    ['without a time', { ...signed(SECONDS), 'x-vast-timestamp': undefined }, BODY],
    ['without a signature', { ...signed(SECONDS), 'x-vast-signature-256': undefined }, BODY],
    ['with half a signature', { ...signed(SECONDS), 'x-vast-signature-256': 'sha256=abcd' }, BODY],
    [
      'of another scheme',
      { ...signed(SECONDS), 'x-vast-signature-256': signed(SECONDS)['x-vast-signature-256']?.slice(7) },
      BODY,
    ],
  ])('refuses one %s', (_what, headers, body) => {
    expect(verify(headers, body)).toBeUndefined();
  });
});
