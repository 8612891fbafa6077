import { expect, it } from 'vitest';
import { faultOfInbound, replyAddress } from './reply-address.js';

it.each([
  ['approvals@lineclear.example', true],
  [`${'a'.repeat(31)}@lineclear.example`, true],
  [`${'a'.repeat(32)}@lineclear.example`, false],
  ['approvals+all@lineclear.example', false],
  [`a@${'b'.repeat(219)}`, true],
  [`a@${'b'.repeat(220)}`, false],
])('%s takes a token: %s', (address, takes) => {
  expect(faultOfInbound(address) === undefined).toBe(takes);
  if (!takes) return;
  const answer = replyAddress(address, 'a'.repeat(32));
  expect(answer.indexOf('@')).toBeLessThanOrEqual(64);
  expect(answer.length).toBeLessThanOrEqual(254);
});

it('puts the token behind a plus', () => {
  expect(replyAddress('approvals@lineclear.example', 'abc')).toBe('approvals+abc@lineclear.example');
});
