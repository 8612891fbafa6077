import { SYSTEM_LEVELS, TEAM_ROLES, type SystemLevel, type TeamRole } from '@lineclear/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isStaff, mayRemoveTeam, roleChangeFault, type RoleChange } from './team-rights.js';

const TEAM = 3;
const someone = (role?: TeamRole, level: SystemLevel = 'lead', teamId = TEAM) => ({
  permissions: [...SYSTEM_LEVELS[level].permissions],
  org: { id: 1, slug: 'ml' },
  ...(role === undefined ? {} : { teams: [{ id: teamId, slug: 'nlp', role }] }),
});

it('takes for staff who may make organisations, whatever their level', () => {
  expect([isStaff(someone(undefined, 'admin')), isStaff(someone('admin', 'lead'))]).toEqual([true, false]);
  expect(isStaff({ permissions: ['org.create'] })).toBe(true);
  expect(
    isStaff({ permissions: SYSTEM_LEVELS.admin.permissions.filter((one) => one !== 'org.create') }),
  ).toBe(false);
});

describe('a change of who is in a team', () => {
  it.each<[TeamRole | undefined, RoleChange, string | undefined]>([
    [undefined, { after: 'member' }, 'leads and its admins'],
    ['member', { after: 'member' }, 'leads and its admins'],
    ['member', { before: 'member' }, 'leads and its admins'],
    ['lead', { after: 'member' }, undefined],
    ['lead', { after: 'lead' }, undefined],
    ['lead', { after: 'admin' }, 'admin is above lead'],
    ['lead', { before: 'member', after: 'lead' }, undefined],
    ['lead', { before: 'member', after: 'admin' }, 'admin is above lead'],
    ['lead', { before: 'member' }, undefined],
    ['lead', { before: 'lead' }, 'this one is lead'],
    ['lead', { before: 'admin', after: 'member' }, 'this one is admin'],
    ['admin', { after: 'admin' }, undefined],
    ['admin', { before: 'lead', after: 'member' }, undefined],
    ['admin', { before: 'lead' }, undefined],
    ['admin', { before: 'admin' }, 'this one is admin'],
  ])('by a %s: %j is refused with %j', (own, change, fault) => {
    const said = roleChangeFault(someone(own), TEAM, change);
    expect(said).toEqual(fault === undefined ? undefined : expect.stringContaining(fault));
  });

  it('goes by the role in that team and no other', () => {
    expect(roleChangeFault(someone('admin', 'lead', 4), TEAM, { after: 'member' })).toBeDefined();
    expect(mayRemoveTeam(someone('admin', 'lead', 4), TEAM)).toBe(false);
  });

  it('is staff’s whatever they are in the team', () => {
    const role = fc.option(fc.constantFrom(...TEAM_ROLES), { nil: undefined });
    fc.assert(
      fc.property(role, role, role, (own, before, after) => {
        const change = { ...(before ? { before } : {}), ...(after ? { after } : {}) };
        expect(roleChangeFault(someone(own, 'admin'), TEAM, change)).toBeUndefined();
      }),
    );
  });
});

it('lets a team be removed by its admins and by staff', () => {
  expect([undefined, ...TEAM_ROLES].map((role) => mayRemoveTeam(someone(role), TEAM))).toEqual([
    false,
    false,
    false,
    true,
  ]);
  expect(mayRemoveTeam(someone(undefined, 'admin'), TEAM)).toBe(true);
});
