import { createHmac } from 'node:crypto';
import { expect, it } from 'vitest';
import { GENESIS, signed } from './audit-chain.js';
import { whereToAppend } from './where-to-append.js';

const mac = (text: string): string => createHmac('sha256', 'a').update(text).digest('hex');
const at = (seq: number) => ({ seq, mac: `mac of ${seq}` });
const head = (seq: number) => signed(at(seq), 'now', mac);
const forged = (seq: number) => ({ ...head(seq), signature: 'x' });

it.each([
  [
    'an empty log',
    { last: undefined, head: signed(GENESIS, 'now', mac), anchor: undefined },
    signed(GENESIS, 'now', mac),
    false,
  ],
  ['a log and its head', { last: at(3), head: head(3), anchor: undefined }, head(3), false],
  ['a tail that was cut off', { last: at(2), head: head(3), anchor: undefined }, head(3), false],
  ['all of it too old', { last: undefined, head: head(3), anchor: head(3) }, head(3), false],
  ['a head of before', { last: at(3), head: head(2), anchor: undefined }, at(3), true],
  ['a head that was not signed here', { last: at(3), head: forged(3), anchor: undefined }, at(3), true],
  ['no head', { last: at(3), head: undefined, anchor: undefined }, at(3), true],
  ['no head, and all of it too old', { last: undefined, head: undefined, anchor: head(3) }, head(3), true],
] as const)('%s', (_, found, link, isForged) => {
  expect(whereToAppend(found, mac)).toEqual({ link, isForged });
});
