import { describe, expect, it } from 'vitest';
import { expiryOf, valueOf, wholeNumber } from './secret-input.js';

describe('a value that was typed or read', () => {
  it.each([
    ['a line', 'token\n', 'token'],
    ['a line of Windows', 'token\r\n', 'token'],
    ['a line without its end', 'token', 'token'],
    ['white space of its own', ' token ', ' token '],
    ['several lines', '-----BEGIN\nx\n-----END\n', '-----BEGIN\nx\n-----END\n'],
    ['nothing', '\n', ''],
  ])('is %s', (_, text, expected) => {
    expect(valueOf(text)).toBe(expected);
  });
});

describe('an end', () => {
  const now = new Date('2026-11-28T10:00:00Z');
  it.each([
    ['90d', '2027-02-26T10:00:00.000Z'],
    ['12h', '2026-11-28T22:00:00.000Z'],
    ['2w', '2026-12-12T10:00:00.000Z'],
    ['2027-01-31', '2027-01-31T00:00:00.000Z'],
    ['2027-01-31T12:00:00+02:00', '2027-01-31T10:00:00.000Z'],
  ])('%s is %s', (text, expected) => {
    expect(expiryOf(text, now)).toBe(expected);
  });
  it.each(['', 'soon', '0d', '90', '2026-11-28', '2027-13-01', '2027-01-31T12:00:00', '999999d'])(
    '%j is none',
    (text) => {
      expect(() => expiryOf(text, now)).toThrow(expect.objectContaining({ exitCode: 2 }));
    },
  );
});

describe('a whole number', () => {
  it('is taken within its bounds alone', () => {
    expect(wholeNumber('N', '7', { min: 0, max: 7 })).toBe(7);
    for (const text of ['8', '-1', '1.5', '', 'x', '1e1'])
      expect(() => wholeNumber('N', text, { min: 0, max: 7 })).toThrow('N takes a whole number from 0 to 7');
  });
});
