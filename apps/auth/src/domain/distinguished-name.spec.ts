import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commonNameOf, normalDn } from './distinguished-name.js';

describe('DNs that are one', () => {
  it.each([
    ['CN=Ann,OU=People,DC=corp', 'cn=ann,ou=people,dc=corp'],
    ['cn = Ann , ou = People', 'CN=Ann,OU=People'],
    ['cn=Ann  Lee,dc=corp', 'cn=ann lee,dc=corp'],
    ['cn=a\\,b,dc=corp', 'cn=a\\2Cb,dc=corp'],
    ['cn="a,b",dc=corp', 'cn=a\\,b,dc=corp'],
    ['cn=\\c3\\a9lan,dc=corp', 'cn=Élan,dc=corp'],
    ['cn=e\u0301lan', 'cn=élan'],
    ['uid=a+cn=b,dc=corp', 'cn=B+uid=A,dc=corp'],
    ['2.5.4.3=ann,OID.0.9.2342.19200300.100.1.25=corp', 'cn=ann,dc=corp'],
    ['commonName=ann', 'cn=ann'],
    ['cn=ann\\ ,dc=corp', 'cn=ann,dc=corp'],
  ])('%j and %j', (one, other) => {
    expect(normalDn(one)).toBe(normalDn(other));
    expect(normalDn(one)).toBeDefined();
  });
});

describe('DNs that are two', () => {
  it.each([
    ['cn=a,b=c', 'cn=a\\,b\\=c'],
    ['cn=a+b=c', 'cn=a\\+b=c'],
    ['cn=a,dc=corp', 'dc=corp,cn=a'],
    ['cn=a', 'ou=a'],
    ['cn=a\\\\,b=c', 'cn=a\\\\\\,b=c'],
  ])('%j and %j', (one, other) => {
    expect(normalDn(one)).not.toBe(normalDn(other));
  });
});

it.each([
  '',
  ' ',
  'ann',
  'cn',
  '=ann',
  'cn=',
  'cn=ann,',
  ',cn=ann',
  'cn=ann\\',
  'c n=ann',
  'cn=a+,dc=b',
  'ann@corp.com',
])('%j is none', (text) => {
  expect(normalDn(text)).toBeUndefined();
  expect(commonNameOf(text)).toBeUndefined();
});

it('finds the common name of a group', () => {
  expect(commonNameOf('CN=ML\\, Admins,OU=Groups')).toBe('ml, admins');
  expect(commonNameOf('uid=1+cn=Ops,dc=b')).toBe('ops');
  expect(commonNameOf('OU=Groups,CN=Users')).toBeUndefined();
});

it('is stable, and keeps different values apart whatever they hold', () => {
  const value = fc.string({ unit: 'grapheme', minLength: 1 });
  const escaped = (text: string): string =>
    [...Buffer.from(text, 'utf8')].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');
  fc.assert(
    fc.property(value, value, (one, other) => {
      const [a, b] = [normalDn(`cn=${escaped(one)},dc=corp`), normalDn(`cn=${escaped(other)},dc=corp`)];
      if (a !== undefined) expect(normalDn(a)).toBe(a);
      const fold = (text: string): string =>
        text.normalize('NFKC').toLowerCase().normalize('NFKC').replace(/\s+/gu, ' ').trim();
      expect(a === b || fold(one) !== fold(other)).toBe(true);
      if (a !== undefined && a === b) expect(fold(one)).toBe(fold(other));
    }),
  );
});
