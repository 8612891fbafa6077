import { expect, it } from 'vitest';
import { asRecord, headerLines, isPlainFrom, repeatedHeader, valuesOf } from './header-lines.js';

const lines = (text: string) => headerLines(Buffer.from(text))!;

it('reads names and values from the top, folded lines as one', () => {
  const read = lines(
    'Received: by b\r\nSUBJECT: Re:\r\n\tapprove\r\nreceived: by a\r\n\r\nFrom: body@x.test\r\n',
  );
  expect(read).toEqual([
    ['received', 'by b'],
    ['subject', 'Re:\tapprove'],
    ['received', 'by a'],
  ]);
  expect(valuesOf(read, 'received')).toEqual(['by b', 'by a']);
  expect(asRecord(read)).toEqual({ received: 'by b, by a', subject: 'Re:\tapprove' });
});

it.each([
  ['a line without a colon', 'From: a@x.test\r\nhello\r\n\r\n'],
  ['a space before the colon', 'From : a@x.test\r\n\r\n'],
  ['no name', ': a@x.test\r\n\r\n'],
  ['a lone carriage return', 'From: a@x.test\rTo: b@x.test\r\n\r\n'],
  ['a NUL', 'From: a@x.test\0\r\n\r\n'],
])('takes no header with %s', (_what, text) => {
  expect(headerLines(Buffer.from(text))).toBeUndefined();
});

it.each([
  ['From: a@x.test\r\nFROM: b@x.test\r\n\r\n', 'from'],
  ['To: a@x.test\r\nto: b@x.test\r\n\r\n', 'to'],
  ['Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\n', 'content-type'],
  ['Received: a\r\nReceived: b\r\nFrom: a@x.test\r\n\r\n', undefined],
])('%j repeats %s', (text, name) => {
  expect(repeatedHeader(lines(text))).toBe(name);
});

it.each([
  ['lead@team.test', true],
  ['Lead <lead@team.test>', true],
  ['"Lead <boss@team.test>" <lead@team.test>', true],
  ['lead@team.test <lead@team.test>', true],
  ['<lead@team.test> (on the road <again>)', true],
  ['<lead@team.test> <boss@team.test>', false],
  ['Lead <lead@team.test> boss@team.test', false],
  ['boss@team.test <lead@team.test', false],
  [`"${'x'.repeat(1_000)}" <lead@team.test>`, false],
])('takes %j for one address: %s', (value, isPlain) => {
  expect(isPlainFrom(value)).toBe(isPlain);
});
