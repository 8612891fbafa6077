import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTarget } from './target.js';

describe('readTarget', () => {
  it.each([
    ['/api/auth', '/api/auth', ''],
    ['/', '/', ''],
    ['/api/auth/', '/api/auth/', ''],
    ['/api/users?q=a%2Fb&x=../..//', '/api/users', '?q=a%2Fb&x=../..//'],
    ['/api/users?', '/api/users', '?'],
    ['/api/%61uth/%6Cogin', '/api/auth/login', ''],
    ['/api/users/me/%63redentials', '/api/users/me/credentials', ''],
    ['/api/secrets/a%20b%C3%A9', '/api/secrets/a%20b%C3%A9', ''],
    ['/api/secrets/a%252fb', '/api/secrets/a%252fb', ''],
    ['/api/secrets/.env', '/api/secrets/.env', ''],
    ['/api/secrets/a..b', '/api/secrets/a..b', ''],
    ['/api/secrets/...', '/api/secrets/...', ''],
  ])('reads %s', (url, path, search) => {
    expect(readTarget(url)).toEqual({ ok: true, path, search });
  });

  it.each([
    'http://elsewhere/api/auth',
    'http:/api/auth',
    '*',
    '',
    'api/auth',
    '//api/auth',
    '/api//auth',
    '/api/auth//',
    '/api/auth/../secrets',
    '/api/auth/..',
    '/api/./auth',
    '/api/auth/%2e%2e/secrets',
    '/api/auth/.%2E/secrets',
    '/api/auth/..;x/secrets',
    '/api/auth%2f..%2fsecrets',
    '/api/users/me%2Fcredentials',
    '/api/auth\\..\\secrets',
    '/api/auth%5c..%5csecrets',
    '/api/auth%00',
    '/api/auth%0d%0aX: y',
    '/api/auth%0d%0a',
    '/api/auth%7f',
    '/api/auth%',
    '/api/auth%zz',
    '/api/auth#/../secrets',
    '/api/auth?x#y',
    '/api/é',
    '/api/auth?q=é',
    '/api/a b',
  ])('refuses %j', (url) => {
    expect(readTarget(url)).toMatchObject({ ok: false });
  });

  it('reads a long path in a time that grows with its length alone', () => {
    // A pattern that tries every way to cut these 16,000 letters would never come back.
    expect(readTarget(`/${'a'.repeat(16_000)}%`)).toMatchObject({ ok: false });
    expect(readTarget(`/${'a/'.repeat(8000)}%20`)).toMatchObject({ ok: true });
  });

  const pieces = fc.constantFrom(
    '/',
    '.',
    '..',
    '%2e',
    '%2F',
    '%5c',
    '\\',
    ';',
    'api',
    'auth',
    'secrets',
    '%61',
    '%25',
    '%',
    '#',
    '?',
    'http:',
  );
  const targets = fc.array(pieces, { maxLength: 12 }).map((parts) => `/${parts.join('')}`);

  it('passes on only what one more decoding and resolving leaves as it is', () => {
    fc.assert(
      fc.property(targets, (url) => {
        const target = readTarget(url);
        if (!target.ok) return;
        const again = readTarget(target.path + target.search);
        expect(again).toEqual(target);
        const resolved = new URL(`http://house${target.path}`);
        expect(resolved.host).toBe('house');
        expect(resolved.pathname).toBe(target.path);
        expect(decodeURIComponent(target.path).split('/')).toHaveLength(target.path.split('/').length);
      }),
    );
  });
});
