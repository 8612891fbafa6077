import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newlyAsked, whomToAsk, type Person } from './whom-to-ask.js';

const person = (user_id: number): Person => ({
  user_id,
  username: `p${user_id}`,
  email: `p${user_id}@lineclear.test`,
});
const ids = (people: readonly Person[]): number[] => people.map(({ user_id }) => user_id);
const people = (...all: number[]): Person[] => all.map(person);
const asked = (
  circles: number[][],
  more: { away?: [number, number?][]; not?: number[]; fallback?: number[]; after?: number } = {},
): number[] =>
  ids(
    whomToAsk(
      {
        circles: circles.map((circle) => people(...circle)),
        fallback: people(...(more.fallback ?? [])),
        away: new Map((more.away ?? []).map(([who, by]) => [who, by === undefined ? undefined : person(by)])),
        not: more.not ?? [],
      },
      more.after ?? 0,
    ),
  );

describe('asked are', () => {
  it.each<[string, number[], number[]]>([
    ['those of the first circle', asked([[1, 2], [3]]), [1, 2]],
    ['those of the next one too, once escalated', asked([[1, 2], [3]], { after: 1 }), [1, 2, 3]],
    ['no more than there are', asked([[1], [2]], { after: 7 }), [1, 2]],
    ['all of them at once', asked([[1], [2]], { after: Infinity, fallback: [8] }), [1, 2]],
    ['those of circles that were taken away', asked([[1, 2]], { after: 2, away: [[1]], fallback: [8] }), [2]],
    ['none who said something', asked([[1, 2]], { not: [1] }), [2]],
    ['none who are away', asked([[1, 2]], { away: [[1]] }), [2]],
    ['who stands in for them', asked([[1, 2]], { away: [[1, 9]] }), [9, 2]],
    [
      'who stands in, once',
      asked([[1, 2, 9]], {
        away: [
          [1, 9],
          [2, 9],
        ],
      }),
      [9],
    ],
    ['nobody who stands in and is away too', asked([[1, 2]], { away: [[1, 9], [9]] }), [2]],
    ['nobody who would stand in for whom they ask', asked([[1, 2]], { away: [[1, 7]], not: [7] }), [2]],
    ['nobody in place of the requester', asked([[1, 2]], { away: [[1, 9]], not: [1] }), [2]],
    ['the next circle where the first is away', asked([[1], [2], [3]], { away: [[1]] }), [2]],
    ['the fall-back where all are away', asked([[1], [2]], { away: [[1], [2]], fallback: [8] }), [8]],
    ['the fall-back where there is nobody', asked([[], []], { fallback: [8, 9], not: [9] }), [8]],
    ['those who are away where there is no other', asked([[1], [2]], { away: [[1], [2]], not: [2] }), [1]],
    ['nobody where there is nobody', asked([[]]), []],
  ])('%s', (_, found, wanted) => {
    expect(found).toEqual(wanted);
  });

  it('always somebody where somebody may decide, each once, never the requester, and ever more', () => {
    const some = fc.uniqueArray(fc.integer({ min: 1, max: 8 }), { maxLength: 5 });
    const away = fc.array(
      fc.tuple(
        fc.integer({ min: 1, max: 8 }),
        fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
      ),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(
        fc.array(some, { minLength: 1, maxLength: 4 }),
        away,
        some,
        some,
        (circles, gone, not, fallback) => {
          const may = circles.flat().filter((one) => !not.includes(one));
          let before: number[] = [];
          for (let after = 0; after < circles.length; after += 1) {
            const found = asked(circles, { away: gone as [number, number?][], not, fallback, after });
            expect(new Set(found).size).toBe(found.length);
            expect(found.filter((one) => not.includes(one))).toEqual([]);
            if (may.length > 0) expect(found).not.toEqual([]);
            if (after > 0) expect(ids(newlyAsked(people(...found), people(...before)))).toEqual([]);
            before = found;
          }
        },
      ),
    );
  });
});
