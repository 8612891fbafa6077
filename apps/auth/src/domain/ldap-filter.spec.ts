import fc from 'fast-check';
import { EqualityFilter, FilterParser } from 'ldapts';
import { describe, expect, it } from 'vitest';
import { attributeOfUsername, escapeFilterValue, fillFilter } from './ldap-filter.js';

it.each([
  ['ann', 'ann'],
  ['*', '\\2a'],
  [')(uid=*', '\\29\\28uid=\\2a'],
  ['a\\b', 'a\\5cb'],
  ['a\0b', 'a\\00b'],
  ['Zoë', 'Zoë'],
])('writes %j as %j', (value, escaped) => {
  expect(escapeFilterValue(value)).toBe(escaped);
});

describe('whatever the name', () => {
  const name = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1 }),
    fc.string({
      unit: fc.constantFrom(
        '(',
        ')',
        '*',
        '\\',
        '\0',
        '=',
        '&',
        '|',
        '!',
        '$',
        '{username}',
        '{dn}',
        'é',
        'a',
      ),
    }),
  );

  it('the filter is one comparison with that value', () => {
    fc.assert(
      fc.property(name, (username) => {
        const filter = FilterParser.parseString(fillFilter('(uid={username})', { username }));
        expect(filter).toBeInstanceOf(EqualityFilter);
        expect(filter).toMatchObject({ attribute: 'uid', value: username });
      }),
    );
  });

  it('a larger filter keeps its form', () => {
    fc.assert(
      fc.property(name, name, (username, dn) => {
        const filter = FilterParser.parseString(
          fillFilter('(&(objectClass=person)(|(member={dn})(memberUid={username})))', { username, dn }),
        );
        expect(filter).toMatchObject({
          filters: [
            { attribute: 'objectClass', value: 'person' },
            {
              filters: [
                { attribute: 'member', value: dn },
                { attribute: 'memberUid', value: username },
              ],
            },
          ],
        });
      }),
    );
  });
});

it.each([
  ['(sAMAccountName={username})', 'sAMAccountName'],
  ['(&(objectClass=user)(|(uid={username})(mail={username})))', 'uid'],
  ['(userPrincipalName={username}@corp.com)', undefined],
])('%s compares the name with %s', (template, attribute) => {
  expect(attributeOfUsername(template)).toBe(attribute);
});
