import fc from 'fast-check';
import { expect, it } from 'vitest';
import { demandsOf, levelAfter, type Demanding, type WantedDemand } from './demands.js';

it.each<[string | null, WantedDemand, string | null]>([
  [null, {}, null],
  ['admin', {}, 'admin'],
  [null, { requiresApproval: true }, 'lead'],
  ['admin', { requiresApproval: true }, 'admin'],
  ['admin', { requiresApproval: true, approvalLevel: 'senior' }, 'senior'],
  [null, { requiresApproval: true, approvalLevel: 'admin' }, 'admin'],
  ['admin', { requiresApproval: false }, null],
  [null, { requiresApproval: false }, null],
])('of a demand for %j, %j makes %j', (now, wanted, after) => expect(levelAfter(now, wanted)).toBe(after));

const at = (name: string, scope: string, level: string | null): Demanding => ({ name, scope, level });
const SCOPES = ['user:7', 'team:3', 'global'];

it.each<[string, Demanding[], Demanding[]]>([
  ['nothing where there is none', [], []],
  ['nothing where none is demanded', [at('A', 'global', null)], []],
  ['the one that there is', [at('A', 'global', 'lead')], [at('A', 'global', 'lead')]],
  ['nothing of one that a nearer one hides', [at('A', 'global', 'lead'), at('A', 'user:7', null)], []],
  ['the nearest', [at('A', 'global', 'lead'), at('A', 'team:3', 'admin')], [at('A', 'team:3', 'admin')]],
  ['nothing of other people', [at('A', 'user:8', 'lead'), at('B', 'global', 'lead')], []],
])('finds %s', (_, stored, found) => expect(demandsOf(['A'], SCOPES, stored)).toEqual(found));

it('demands of each name at most one approval, and only of what is stored', () => {
  const one = fc.record({
    name: fc.constantFrom('A', 'B', 'C'),
    scope: fc.constantFrom(...SCOPES, 'org:9'),
    level: fc.constantFrom('lead', 'admin', null),
  });
  const stored = fc.uniqueArray(one, { selector: ({ name, scope }) => `${name} ${scope}` });
  fc.assert(
    fc.property(stored, (all) => {
      const demanded = demandsOf(['A', 'B'], SCOPES, all);
      expect(new Set(demanded.map(({ name }) => name)).size).toBe(demanded.length);
      for (const demand of demanded) {
        expect(all).toContainEqual(demand);
        expect(SCOPES).toContain(demand.scope);
      }
    }),
  );
});
