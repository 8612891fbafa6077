import fc from 'fast-check';
import { expect, it } from 'vitest';
import { stillNeeded, tally, type Tally } from './votes.js';

const two = { approvals: 2, levels: ['lead'] };
const one = { approvals: 1, levels: ['admin'] };
const yes = (stage = 0) => ({ approves: true, stage });
const no = (stage = 0) => ({ approves: false, stage });

it.each([
  ['one yes of one', [one], 0, 1, [yes()], 'approved'],
  ['one no of one', [one], 0, 1, [no()], 'rejected'],
  ['the first of two', [two], 0, 1, [yes()], 'waits'],
  ['the second of two', [two], 0, 1, [yes(), yes()], 'approved'],
  ['a no beside a yes', [two], 0, 1, [yes(), no()], 'rejected'],
  ['one no where it takes two', [two], 0, 2, [no()], 'waits'],
  ['one no among enough yes, where it takes two', [two], 0, 2, [yes(), no(), yes()], 'approved'],
  ['two no where it takes two', [two], 0, 2, [no(), no()], 'rejected'],
  ['two no of different stages', [two, one], 1, 2, [no(), yes(), yes(), no(1)], 'rejected'],
  ['the end of a stage', [two, one], 0, 1, [yes(), yes()], 'next stage'],
  ['yes of the stage before', [two, one], 1, 1, [yes(), yes()], 'waits'],
  ['the end of the last stage', [two, one], 1, 1, [yes(), yes(), yes(1)], 'approved'],
] as const)('%s', (_, stages, stage, rejections, votes, outcome) => {
  const request = { stages: stages.map((s) => ({ ...s, levels: [...s.levels] })), stage, rejections };
  expect(tally(request, votes)).toBe<Tally>(outcome);
  if (outcome === 'waits') expect(stillNeeded(request, votes)).toBeGreaterThan(0);
});

it('approves only what every stage got its number of yes for, of different people, and ends on enough no', () => {
  const stages = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(
      stages,
      fc.integer({ min: 1, max: 3 }),
      fc.array(fc.boolean(), { maxLength: 30 }),
      (numbers, rejections, words) => {
        const request = {
          stages: numbers.map((approvals) => ({ approvals, levels: ['lead'] })),
          stage: 0,
          rejections,
        };
        const votes: { approves: boolean; stage: number }[] = [];
        let outcome: Tally = 'waits';
        for (const approves of words) {
          votes.push({ approves, stage: request.stage });
          outcome = tally(request, votes);
          if (outcome === 'next stage') request.stage += 1;
          else if (outcome !== 'waits') break;
        }
        const refused = votes.filter((vote) => !vote.approves).length;
        const given = numbers.map((_, n) => votes.filter((vote) => vote.approves && vote.stage === n).length);
        expect(outcome === 'rejected').toBe(refused === rejections);
        expect(outcome === 'approved').toBe(
          refused < rejections && given.every((count, n) => count === numbers[n]),
        );
      },
    ),
  );
});
