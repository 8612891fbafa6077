import fc from 'fast-check';
import { expect, it } from 'vitest';
import { planRestore, type Change, type Present, type Step } from './restore.js';

const at = (second: number): Date => new Date(second * 1_000);
const set = (second: number, version: number): Change => ({ at: at(second), kind: 'set', version });
const removed = (second: number, version: number): Change => ({ at: at(second), kind: 'removed', version });
const undeleted = (second: number, version: number): Change => ({
  at: at(second),
  kind: 'undeleted',
  version,
});
const here = (version: number): Present => ({ version, isRemoved: false });
const gone = (version: number): Present => ({ version, isRemoved: true });
const all = { isKept: () => true, isSame: (a: number, b: number) => a === b };

it.each<[string, Change[], number, Present, Step]>([
  ['what was not there yet is removed', [set(10, 1)], 9, here(1), { step: 'remove' }],
  ['what has not changed since is kept', [set(10, 1)], 10, here(1), { step: 'keep' }],
  ['an older version is set again', [set(10, 1), set(20, 2)], 15, here(2), { step: 'set', version: 1 }],
  [
    'what was removed since comes back',
    [set(10, 1), removed(20, 1)],
    15,
    gone(1),
    { step: 'set', version: 1 },
  ],
  ['what was removed then and is now stays so', [set(10, 1), removed(20, 1)], 25, gone(1), { step: 'keep' }],
  [
    'what was removed then and came back is removed',
    [set(10, 1), removed(20, 1), undeleted(30, 1)],
    25,
    here(1),
    { step: 'remove' },
  ],
  [
    'what came back before then is there',
    [set(10, 1), removed(20, 1), undeleted(30, 1), set(40, 2)],
    35,
    here(2),
    { step: 'set', version: 1 },
  ],
])('%s', (_, changes, moment, now, step) => expect(planRestore(changes, at(moment), now, all)).toEqual(step));

it('says that a version is lost whose value is not kept, and keeps what has the same value', () => {
  const changes = [set(10, 1), set(20, 2)];
  expect(planRestore(changes, at(15), here(2), { ...all, isKept: () => false })).toEqual({
    step: 'lost',
    version: 1,
  });
  expect(planRestore(changes, at(15), here(2), { ...all, isSame: () => true })).toEqual({ step: 'keep' });
});

/** A secret's whole life, played from random moves; the state after each moment is noted. */
function live(moves: readonly ('set' | 'remove' | 'undelete')[]) {
  const changes: Change[] = [];
  const values: (number | undefined)[] = [];
  let [version, isRemoved] = [0, true];
  moves.forEach((move, second) => {
    if (move === 'set') {
      [version, isRemoved] = [version + 1, false];
      changes.push(set(second, version));
    } else if (move === 'remove' && !isRemoved) {
      isRemoved = true;
      changes.push(removed(second, version));
    } else if (move === 'undelete' && isRemoved && version > 0) {
      isRemoved = false;
      changes.push(undeleted(second, version));
    }
    values.push(isRemoved ? undefined : version);
  });
  return { changes, values, now: { version, isRemoved } };
}

it('leads to what was there at any moment of any life', () => {
  const move = fc.constantFrom('set' as const, 'remove' as const, 'undelete' as const);
  fc.assert(
    fc.property(fc.array(move, { minLength: 1, maxLength: 30 }), fc.nat(29), (moves, n) => {
      const { changes, values, now } = live(['set', ...moves]);
      const second = n % values.length;
      const step = planRestore(changes, at(second), now, all);
      const after =
        step.step === 'keep'
          ? now.isRemoved
            ? undefined
            : now.version
          : step.step === 'set'
            ? step.version
            : undefined;
      expect(after).toBe(values[second]);
    }),
  );
});
