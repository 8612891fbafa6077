import { expect, it } from 'vitest';
import { readSlackAnswer } from './slack-api-answer.js';

const NOW = new Date('2026-01-01T00:00:00Z');
const read = (statusCode: number, text: string, retryAfter?: string) =>
  readSlackAnswer({ statusCode, text, retryAfter }, NOW);

it.each([
  [200, '{"ok":true,"channel":"C1","ts":"1.2"}', { outcome: 'delivered', ts: '1.2' }],
  [200, '{"ok":false,"error":"not_in_channel"}', { outcome: 'refused', code: 'not_in_channel' }],
  [200, '{"ok":false,"error":"invalid_blocks"}', { outcome: 'hopeless' }],
  [200, '{"ok":false,"error":"token_revoked"}', { outcome: 'gone' }],
  [200, '{"ok":false,"error":"is_archived"}', { outcome: 'gone' }],
  [200, '{"ok":false}', { outcome: 'refused' }],
  [200, 'null', { outcome: 'refused' }],
  [200, '<html>', { outcome: 'refused' }],
  [503, '', { outcome: 'refused', statusCode: 503 }],
])('takes %i %s for what it is', (statusCode, text, result) => {
  expect(read(statusCode, text)).toMatchObject(result);
});

it('waits as Slack asks', () => {
  expect(read(429, '{"ok":false,"error":"ratelimited"}', '30')).toMatchObject({
    outcome: 'refused',
    retryAfterSeconds: 30,
  });
});
