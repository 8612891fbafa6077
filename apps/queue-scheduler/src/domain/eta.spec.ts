import { expect, it } from 'vitest';
import { etaOf } from './eta.js';
import type { End, Simulated } from './simulate.js';

const found = (end: End, ...starts: (readonly [id: string, atMs: number])[]): Simulated => ({
  end,
  starts: new Map(starts.map(([id, atMs], n) => [id, { position: n + 1, atMs }])),
});

it.each([
  ['both times', found('all', ['a', 5], ['b', 9]), found('all', ['a', 7], ['b', 20]), [2, 9, 20, null]],
  [
    'never a p90 before the p50',
    found('all', ['a', 5], ['b', 9]),
    found('all', ['b', 8], ['a', 9]),
    [2, 9, 9, null],
  ],
  ['no p90 that is too far away', found('all', ['b', 9]), found('bound'), [1, 9, null, 'far']],
  ['nothing of what is kept', found('kept', ['a', 5]), found('kept'), [null, null, null, 'kept']],
  ['nothing of what is far away', found('bound'), found('bound'), [null, null, null, 'far']],
  ['nothing behind what was read', found('cut'), found('cut'), [null, null, null, 'unread']],
] as const)('tells %s', (_, likely, late, expected) => {
  const { position, p50Ms, p90Ms, beyond } = etaOf('b', likely, late);
  expect([position, p50Ms, p90Ms, beyond]).toEqual(expected);
});
