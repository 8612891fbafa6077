import fc from 'fast-check';
import { expect, it } from 'vitest';
import { forward, outcomeOf } from './remote-state.js';
import { isRunKey, REMOTE_STATES, runKeyOf } from './run.js';

it.each([
  [null, 'running', 'running'],
  ['submitted', 'running', 'running'],
  ['running', 'starting', 'running'],
  ['succeeded', 'running', 'succeeded'],
  ['succeeded', 'failed', 'succeeded'],
] as const)('%s, then %s: %s', (known, seen, expected) => {
  expect(forward(known, seen)).toBe(expected);
});

it('never goes back, in whatever order answers come', () => {
  const isOver = (state: (typeof REMOTE_STATES)[number]) => outcomeOf(state, null) !== undefined;
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...REMOTE_STATES), { minLength: 1 }), (answers) => {
      const states = answers.map((_, n) =>
        answers
          .slice(0, n + 1)
          .reduce<(typeof REMOTE_STATES)[number]>((known, seen) => forward(known, seen), answers[0]!),
      );
      const end = states.findIndex(isOver);
      if (end >= 0) expect(new Set(states.slice(end)).size).toBe(1);
    }),
  );
});

it.each([
  ['running', null, undefined],
  ['succeeded', null, 'succeeded'],
  ['succeeded', 'asked', 'succeeded'],
  ['failed', null, 'failed'],
  ['failed', 'asked', 'failed'],
  ['failed', 'max_runtime', 'timed_out'],
  ['cancelled', null, 'cancelled'],
  ['cancelled', 'asked', 'cancelled'],
  ['cancelled', 'max_runtime', 'timed_out'],
  ['timed_out', null, 'timed_out'],
  ['lost', null, 'lost'],
  ['lost', 'asked', 'cancelled'],
  ['lost', 'max_runtime', 'timed_out'],
] as const)('%s, stopped because %s: %s', (state, reason, expected) => {
  expect(outcomeOf(state, reason)).toBe(expected);
});

it('names a run by its job and attempt', () => {
  expect(runKeyOf(`job_${'ab'.repeat(16)}`, 3)).toBe(`lc-${'ab'.repeat(16)}-a3`);
});

it.each([
  [runKeyOf(`job_${'ab'.repeat(16)}`, 12), true],
  ['lc-train', false],
  ['train-a1', false],
  ['my lc-1-a1', false],
])('knows of %j whether it is such a name: %s', (name, isOurs) => {
  expect(isRunKey(name)).toBe(isOurs);
});
