import { describe, expect, it } from 'vitest';
import { isReadableOnTheWay, parseKey, parseUrl } from './own-files.js';

describe('an address', () => {
  it.each([
    ['https://lineclear.example.com', false],
    ['http://127.0.0.1:8080', false],
    ['http://localhost:8080', false],
    ['http://[::1]:8080', false],
    ['http://lineclear.example.com', true],
    ['http://127.0.0.1.example.com', true],
  ])('%s: the key can be read on the way there: %s', (url, isReadable) => {
    expect(isReadableOnTheWay(parseUrl(url))).toBe(isReadable);
  });

  it.each(['', 'lineclear', 'ftp://host', 'http://u:p@host', 'http://host/?a=1', 'http://host/#a'])(
    'is not %j',
    (url) => {
      expect(() => parseUrl(url)).toThrow('the address must be http(s)://host[:port]');
    },
  );
});

describe('a key', () => {
  it('is taken as it can be sent, and never told', () => {
    expect(parseKey(' lc_abc\n').reveal()).toBe('lc_abc');
    for (const text of ['', 'a b', 'a\nb', 'ä', 'x'.repeat(4_097)])
      expect(() => parseKey(text)).toThrow(/^that is no API key$/);
  });
});
