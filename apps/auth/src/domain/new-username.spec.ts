import fc from 'fast-check';
import { expect, it } from 'vitest';
import { usernames } from './new-username.js';

it.each([
  ['ada', 'ada'],
  ['ada@corp.test', 'ada'],
  ['Ada Lovelace', 'AdaLovelace'],
  ['Zoë', 'Zoe'],
  ['李', 'user'],
  ['', 'user'],
])('calls %j %s', (wanted, name) => {
  expect(usernames(wanted).next().value).toBe(name);
});

it('offers names that may be used, each once', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 100 }), (wanted) => {
      const offered = [...usernames(wanted)];
      expect(new Set(offered).size).toBe(50);
      for (const name of offered) expect(name).toMatch(/^[a-zA-Z0-9_.-]{1,50}$/);
    }),
  );
});
