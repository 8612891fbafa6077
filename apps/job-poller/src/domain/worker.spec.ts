import { expect, it } from 'vitest';
import { mayTake, workerState } from './worker.js';

it.each([
  [{ silentMs: null, isDraining: false, tasks: 0 }, 'connecting'],
  [{ silentMs: 5, isDraining: false, tasks: 0 }, 'idle'],
  [{ silentMs: 119_999, isDraining: false, tasks: 1 }, 'busy'],
  [{ silentMs: 5, isDraining: true, tasks: 1 }, 'draining'],
  [{ silentMs: 120_000, isDraining: false, tasks: 1 }, 'offline'],
  [{ silentMs: 120_000, isDraining: true, tasks: 0 }, 'offline'],
  [{ silentMs: 5, hasLeft: true, isDraining: false, tasks: 0 }, 'offline'],
] as const)('of %j says %s', (standing, expected) => {
  expect(workerState({ hasLeft: false, ...standing }, 120_000)).toBe(expected);
});

it.each([
  ['any hardware', { hardware: ['*'], labels: {} }, { hardware: 'RTX 4090', labels: {} }, true],
  ['its hardware', { hardware: ['cpu', 'a100'], labels: {} }, { hardware: 'a100', labels: {} }, true],
  ['a family', { hardware: ['a100-*'], labels: {} }, { hardware: 'a100-80g', labels: {} }, true],
  ['other hardware', { hardware: ['a100'], labels: {} }, { hardware: 'a100:8', labels: {} }, false],
  ['no hardware', { hardware: [], labels: {} }, { hardware: 'a100', labels: {} }, false],
  [
    'a label that fits',
    { hardware: ['*'], labels: { gpu: 'a100-80g' } },
    { hardware: 'x', labels: { gpu: 'a100*' } },
    true,
  ],
  [
    'a label that does not',
    { hardware: ['*'], labels: { gpu: 'h100' } },
    { hardware: 'x', labels: { gpu: 'a100*' } },
    false,
  ],
  [
    'a label that is missing',
    { hardware: ['*'], labels: { gpu: 'h100' } },
    { hardware: 'x', labels: { site: '*' } },
    false,
  ],
  [
    'a label that every object has',
    { hardware: ['*'], labels: {} },
    { hardware: 'x', labels: { constructor: '*' } },
    false,
  ],
  [
    'all of several labels',
    { hardware: ['*'], labels: { gpu: 'h100', site: 'b' } },
    { hardware: 'x', labels: { gpu: 'h???', site: 'a' } },
    false,
  ],
] as const)('a worker may have a task that asks for %s', (_, offer, wish, expected) => {
  expect(mayTake(offer, wish)).toBe(expected);
});
