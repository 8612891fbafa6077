import { expect, it } from 'vitest';
import { believedEnd } from './believed-end.js';

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 22, 12, minute));

it.each([
  ['an end in its time', { exitCode: 3, endedAt: at(20) }, { exitCode: 3, endedAt: at(20) }],
  ['nothing', {}, {}],
  ['a code of Windows', { exitCode: -1_073_741_510 }, { exitCode: -1_073_741_510 }],
  ['the word of Slurm for none', { exitCode: 0xfffffffe }, {}],
  ['a part of a code', { exitCode: 0.5 }, {}],
  ['an end to come', { endedAt: at(31) }, {}],
  ['an end before the start', { endedAt: at(9) }, {}],
  ['no time', { endedAt: new Date(Number.NaN) }, {}],
])('believes of %s what can be', (_, told, believed) => {
  expect(believedEnd(told, at(10), at(30))).toEqual(believed);
});
