import { expect, it } from 'vitest';
import { keptPrices } from './listed-prices.js';

it.each([
  ['a price', 'gpu_1x_a10', 0.75, 1, true],
  ['a machine without a GPU', 'cpu-basic', 0.01, 0, true],
  ['what costs nothing', 'free', 0, 1, true],
  ['a price below nothing', 'gpu', -1, 1, false],
  ['no number', 'gpu', Number.NaN, 1, false],
  ['endless', 'gpu', Infinity, 1, false],
  ['half a GPU', 'gpu', 1, 0.5, false],
  ['no name', '', 1, 1, false],
  ['a name that no job can say', ' gpu', 1, 1, false],
  ['a name longer than any', 'x'.repeat(81), 1, 1, false],
  ['a name that cannot be stored', 'a\u0000', 1, 1, false],
])('of a price list keeps, or does not, %s', (_, name, usdPerHour, gpus, kept) => {
  const expected = kept ? { [name]: { cost_per_hour_usd: usdPerHour, gpus } } : {};
  expect(keptPrices(new Map([[name, { usdPerHour, gpus }]]))).toEqual(expected);
});

it('keeps no more of a price list than is told', () => {
  const many = Array.from({ length: 900 }, (_, n) => [`gpu-${n}`, { usdPerHour: 1, gpus: 1 }] as const);
  expect(Object.keys(keptPrices(new Map(many)))).toHaveLength(500);
});
