import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultOfAsking, faultOfFound, type RunAsking, type StandingClaim } from './may-have.js';

const claim: StandingClaim = {
  userId: 7,
  teamId: 3,
  orgId: null,
  names: ['A', 'B'],
  approved: [],
  endedAt: null,
};
const asking: RunAsking = { user_id: 7, team_id: 3, names: ['A'] };

it.each<[string, StandingClaim, RunAsking, string | undefined]>([
  ['what its job names', claim, asking, undefined],
  ['all of it', claim, { ...asking, names: ['B', 'A'] }, undefined],
  ['what its job does not name', claim, { ...asking, names: ['A', 'C'] }, 'does not name C'],
  ['a name in other letters', claim, { ...asking, names: ['a'] }, 'does not name a'],
  ["another's", claim, { ...asking, user_id: 8 }, 'of other people'],
  ["another team's", claim, { ...asking, team_id: 4 }, 'of other people'],
  ['without its team', claim, { user_id: 7, names: ['A'] }, 'of other people'],
  ["an organisation's that is not its own", claim, { ...asking, org_id: 1 }, 'of other people'],
  ['after its end', { ...claim, endedAt: new Date(0) }, asking, 'ended on 1970'],
])('judges a run that asks for %s', (_, of, by, fault) => {
  if (fault === undefined) expect(faultOfAsking(of, by)).toBeUndefined();
  else expect(faultOfAsking(of, by)).toContain(fault);
});

it('gives a run nothing that its claim does not name', () => {
  const names = fc.subarray(['A', 'B', 'C', 'D']);
  fc.assert(
    fc.property(names, names, (claimed, asked) => {
      const fault = faultOfAsking({ ...claim, names: claimed }, { ...asking, names: asked });
      expect(fault === undefined).toBe(asked.every((name) => claimed.includes(name)));
    }),
  );
});

describe('what takes an approval', () => {
  it.each<[string, StandingClaim['approved'], boolean, string | undefined]>([
    ['has it', [{ name: 'A', scope: 'org:1' }], true, undefined],
    ['takes none', [], false, undefined],
    ['does not have it', [], true, 'A needs an approval that the job does not have: submit the job again'],
    ['has it for another of that name', [{ name: 'A', scope: 'user:7' }], true, 'A needs an approval'],
    ['has it for another', [{ name: 'B', scope: 'org:1' }], true, 'A needs an approval'],
  ])('is given where it %s', (_, approved, needsApproval, fault) => {
    const found = [{ name: 'A', scope: 'org:1', needsApproval }];
    if (fault === undefined) expect(faultOfFound({ approved }, found)).toBeUndefined();
    else expect(faultOfFound({ approved }, found)).toContain(fault);
  });

  it('is given only if every part of it that takes one has it', () => {
    const secret = fc.record({ name: fc.constantFrom('A', 'B'), scope: fc.constantFrom('global', 'user:7') });
    const found = fc.array(fc.tuple(secret, fc.boolean()));
    fc.assert(
      fc.property(fc.array(secret), found, (approved, given) => {
        const fault = faultOfFound(
          { approved },
          given.map(([one, needsApproval]) => ({ ...one, needsApproval })),
        );
        const has = ({ name, scope }: { name: string; scope: string }) =>
          approved.some((one) => one.name === name && one.scope === scope);
        expect(fault === undefined).toBe(given.every(([one, needs]) => !needs || has(one)));
      }),
    );
  });
});
