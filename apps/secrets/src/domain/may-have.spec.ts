import fc from 'fast-check';
import { expect, it } from 'vitest';
import { faultOfAsking, type RunAsking, type StandingClaim } from './may-have.js';

const claim: StandingClaim = { userId: 7, teamId: 3, orgId: null, names: ['A', 'B'], endedAt: null };
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
