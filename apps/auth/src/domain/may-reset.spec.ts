import { expect, it } from 'vitest';
import { mayReset } from './may-reset.js';

const ada = { kind: 'person', is_active: true, email: 'ada@lineclear.test', password_hash: 'hash' } as const;

it.each([
  ['a person with a password', ada, false, true],
  ['who logs in by a provider', ada, true, false],
  ['a closed account', { ...ada, is_active: false }, false, false],
  ['who has no password here', { ...ada, password_hash: null }, false, false],
  ['who has no address', { ...ada, email: null }, false, false],
  ['a service account', { ...ada, kind: 'service' as const }, false, false],
])('%s: %#', (_, account, isOfProvider, may) => {
  expect(mayReset(account, isOfProvider)).toBe(may);
});
