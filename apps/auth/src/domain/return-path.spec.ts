import fc from 'fast-check';
import { expect, it } from 'vitest';
import { returnPath } from './return-path.js';

const OWN = 'https://lineclear.corp.test';
const ALLOWED = ['https://console.corp.test'];

it.each([
  ['/', '/'],
  ['/jobs?status=running#top', '/jobs?status=running#top'],
  ['/a//b', '/a//b'],
  ['/%2F%2Fevil.test', '/%2F%2Fevil.test'],
  ['https://console.corp.test/after', 'https://console.corp.test/after'],
  ['https://console.corp.test', 'https://console.corp.test/'],
])('%j leads to %j', (asked, path) => {
  expect(returnPath(asked, OWN, ALLOWED)).toBe(path);
});

it.each([
  '',
  'jobs',
  '//evil.test',
  '///evil.test',
  '/\\evil.test',
  '\\/evil.test',
  '\\\\evil.test',
  '/\t/evil.test',
  '/\n/evil.test',
  ' //evil.test',
  '\u0000/x',
  '/\u202Emoc',
  'https://evil.test/',
  'https:evil.test',
  'https:/evil.test',
  'https:///evil.test',
  'https://console.corp.test.evil.test/',
  'https://console.corp.test@evil.test/',
  'https://someone@console.corp.test/',
  'https://console.corp.test:444/',
  'http://console.corp.test/',
  'javascript:alert(1)',
  'data:text/html,x',
  `/${'x'.repeat(2_000)}`,
])('%j leads nowhere', (asked) => {
  expect(returnPath(asked, OWN, ALLOWED)).toBeUndefined();
});

it('whatever is asked for, a browser stays here or goes to a listed origin', () => {
  const piece = fc.constantFrom(
    '/',
    '\\',
    '.',
    ':',
    '@',
    '?',
    '#',
    '%2f',
    '\t',
    ' ',
    'https',
    'evil.test',
    'x',
  );
  const asked = fc.oneof(
    fc.webUrl(),
    fc.string(),
    fc.array(piece).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(asked, (text) => {
      const path = returnPath(text, OWN, ALLOWED);
      if (path !== undefined) expect([OWN, ...ALLOWED]).toContain(new URL(path, OWN).origin);
    }),
    { numRuns: 2_000 },
  );
});
