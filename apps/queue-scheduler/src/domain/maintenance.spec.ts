import { expect, it } from 'vitest';
import { concerning, inTheWay, type Window } from './maintenance.js';

const NOW = 1_000_000_000;
const window = (more: Partial<Window> = {}): Window => ({
  id: 1,
  kind: 'house',
  name: '',
  startsAtMs: NOW + 60_000,
  endsAtMs: NOW + 120_000,
  ...more,
});
const machine = { provider: 'acme', hardware: 'h100-80g', gpus: 1 };

it.each<[string, Partial<Window>, number, boolean]>([
  ['one that it would run into', {}, 61, true],
  ['one that it is over before', {}, 60, false],
  ['one that is open', { startsAtMs: NOW - 1 }, 1, true],
  ['one that is over', { startsAtMs: NOW - 2, endsAtMs: NOW }, 61, false],
  ['that of its provider', { kind: 'provider', name: 'acme' }, 61, true],
  ['not that of another', { kind: 'provider', name: 'other' }, 61, false],
  ['that of its hardware', { kind: 'hardware', name: 'h100*' }, 61, true],
  ['not that of other hardware', { kind: 'hardware', name: 'a100*' }, 61, false],
])('a job waits for %s', (_, more, seconds, waits) => {
  expect(inTheWay(concerning([window(more)], machine), seconds, NOW) !== undefined).toBe(waits);
});

it('waits for the one that is over last', () => {
  const found = inTheWay([window(), window({ id: 2, endsAtMs: NOW + 500_000 })], 61, NOW);
  expect(found?.id).toBe(2);
});
