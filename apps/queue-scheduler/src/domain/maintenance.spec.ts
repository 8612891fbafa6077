import { expect, it } from 'vitest';
import { inTheWay, type Window } from './maintenance.js';

const NOW = 1_000_000_000;
const window = (more: Partial<Window> = {}): Window => ({
  id: 1,
  kind: 'house',
  name: '',
  startsAtMs: NOW + 60_000,
  endsAtMs: NOW + 120_000,
  ...more,
});
const job = { provider: 'acme', hardware: 'h100-80g', gpus: 1, seconds: 61 };

it.each<[string, Partial<Window>, object, boolean]>([
  ['one that it would run into', {}, {}, true],
  ['one that it is over before', {}, { seconds: 60 }, false],
  ['one that is open', { startsAtMs: NOW - 1 }, { seconds: 1 }, true],
  ['one that is over', { startsAtMs: NOW - 2, endsAtMs: NOW }, {}, false],
  ['that of its provider', { kind: 'provider', name: 'acme' }, {}, true],
  ['not that of another', { kind: 'provider', name: 'other' }, {}, false],
  ['that of its hardware', { kind: 'hardware', name: 'h100*' }, {}, true],
  ['not that of other hardware', { kind: 'hardware', name: 'a100*' }, {}, false],
])('a job waits for %s', (_, more, of, waits) => {
  expect(inTheWay([window(more)], { ...job, ...of }, NOW) !== undefined).toBe(waits);
});

it('waits for the one that is over last', () => {
  const found = inTheWay([window(), window({ id: 2, endsAtMs: NOW + 500_000 })], job, NOW);
  expect(found?.id).toBe(2);
});
