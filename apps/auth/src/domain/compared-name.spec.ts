import fc from 'fast-check';
import { expect, it } from 'vitest';
import { comparedName } from './compared-name.js';

it.each([
  ['ann', 'ANN'],
  ['ann', ' ann\t'],
  ['ann lee', 'ann  lee'],
  ['ann', 'a\u00adnn'],
  ['ann', 'a\u200bn\u2060n\ufeff'],
  ['ann', 'ánn'],
  ['ann', 'a\u0301nn'],
  ['ann', '\uff41\uff4e\uff4e'],
  ['ann', 'ann\u3164'],
  ['ann', 'ann\u0378'],
  ['ann', 'a\0nn'],
  ['strasse', 'Straße'],
  ['six', 'ſix'],
  ['ida', 'İda'],
])('%j is %j', (name, other) => {
  expect(comparedName(other)).toBe(comparedName(name));
});

it.each([
  ['ann', 'anna'],
  ['ann', '\u0430nn'],
  ['ann', 'an*'],
  ['a.b', 'ab'],
  ['ann@corp.com', 'ann'],
])('%j is not %j', (name, other) => {
  expect(comparedName(other)).not.toBe(comparedName(name));
});

const letter = fc.constantFrom(...Array.from('aBéßſİıﬁａ \u0301\u00ad\u200b\u3164\0(*'));

it('stays the same when it is compared again', () => {
  fc.assert(
    fc.property(fc.string({ unit: letter }), (name) => {
      expect(comparedName(comparedName(name))).toBe(comparedName(name));
    }),
  );
});
