import { expect, it } from 'vitest';
import { judgeChatAnswer } from './chat-answer.js';

const NOW = new Date('2026-01-01T00:00:00Z');

it.each([
  ['slack', 200, 'ok', 'delivered'],
  ['slack', 400, 'invalid_payload', 'hopeless'],
  ['slack', 403, 'action_prohibited', 'refused'],
  ['slack', 403, 'invalid_token', 'gone'],
  ['slack', 404, 'no_service', 'gone'],
  ['slack', 410, 'channel_is_archived', 'gone'],
  ['slack', 500, 'rollup_error', 'refused'],
  ['slack', 302, '', 'refused'],
  ['teams', 202, '', 'delivered'],
  ['teams', 400, '{"error":{"code":"WorkflowTriggerIsNotEnabled"}}', 'refused'],
  ['teams', 404, '{"error":{"code":"WorkflowNotFound"}}', 'gone'],
  ['teams', 413, '', 'hopeless'],
  ['discord', 204, '', 'delivered'],
  ['discord', 400, '{"code":50035}', 'hopeless'],
  ['discord', 401, '{"code":50027}', 'gone'],
  ['discord', 404, '{"code":10015}', 'gone'],
  ['discord', 502, '<html>', 'refused'],
] as const)('takes the answer %s %i %s for %s', (type, statusCode, text, outcome) => {
  expect(judgeChatAnswer(type, { statusCode, text, retryAfter: undefined }, NOW)).toMatchObject({
    outcome,
    statusCode,
  });
});

it.each([
  ['slack', '30', 'ratelimited', 30],
  [
    'discord',
    undefined,
    '{"message":"You are being rate limited.","retry_after":1.337,"global":false}',
    1.337,
  ],
  ['discord', '2', '{"retry_after":1.337}', 2],
  ['discord', undefined, '{"retry_after":"soon"}', undefined],
  ['discord', undefined, 'null', undefined],
  ['teams', undefined, '', undefined],
] as const)('waits as %s asks: %s, %s', (type, retryAfter, text, retryAfterSeconds) => {
  const result = judgeChatAnswer(type, { statusCode: 429, retryAfter, text }, NOW);
  expect(result).toMatchObject({ outcome: 'refused', retryAfterSeconds });
});
