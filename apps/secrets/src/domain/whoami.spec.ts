import { expect, it } from 'vitest';
import { canBeSaid, readWhoami, WHOAMI, type Checked } from './whoami.js';

it.each<[number, unknown, Checked]>([
  [200, { name: 'ada' }, 'valid'],
  [200, { name: '' }, 'refused'],
  [200, { name: null }, 'refused'],
  [200, {}, 'refused'],
  [200, 'fine', 'refused'],
  [200, null, 'refused'],
  [401, { name: 'ada' }, 'refused'],
  [403, {}, 'refused'],
  [429, {}, 'unknown'],
  [500, {}, 'unknown'],
  [302, {}, 'unknown'],
  [404, {}, 'unknown'],
])('reads status %d with %j as %s', (status, body, checked) =>
  expect(readWhoami(status, body, ['name'])).toBe(checked),
);

it('looks for the proof where each provider has it, and takes nothing inherited for one', () => {
  expect(readWhoami(200, { data: { viewer: { username: 'ada' } } }, WHOAMI['wandb']!.proof)).toBe('valid');
  expect(readWhoami(200, { data: { viewer: null } }, WHOAMI['wandb']!.proof)).toBe('refused');
  expect(readWhoami(200, {}, ['constructor'])).toBe('refused');
});

it.each(Object.entries(WHOAMI))(
  'asks %s over TLS, with the credential in a header and not in the address',
  (_, whoami) => {
    expect(new URL(whoami.url).protocol).toBe('https:');
    expect(whoami.say('key')).toMatch(/key|YXBpOmtleQ==/);
    expect(whoami.url).not.toContain('key');
  },
);

it.each([
  ['hf_abc', true],
  ['two words', true],
  ['', false],
  ['a\nb', false],
  [' a', false],
  ['鍵', false],
])('can say %j to a provider: %s', (value, can) => expect(canBeSaid(value)).toBe(can));
