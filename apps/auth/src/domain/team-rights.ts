import { TEAM_ROLES, type Principal, type TeamRole } from '@lineclear/contracts';

type Caller = Pick<Principal, 'permissions' | 'org' | 'teams'>;

/** Whoever may make organisations looks after all of them; others are concerned with their own alone. */
export const isStaff = ({ permissions }: Pick<Caller, 'permissions'>): boolean =>
  permissions.includes('org.create');

const rank = (role: TeamRole): number => TEAM_ROLES.indexOf(role);
const roleIn = ({ teams }: Caller, teamId: number): TeamRole | undefined =>
  teams?.find(({ id }) => id === teamId)?.role;

/** What somebody is in a team, and is to be; undefined where they are not, or no longer, in it. */
export interface RoleChange {
  readonly before?: TeamRole;
  readonly after?: TeamRole;
}

/**
 * Why the caller may not make this change in a team of their organisation; undefined when they may. People without a role
 * above `member` change nobody, those with one change who is below them, and give no role above their own.
 */
export function roleChangeFault(
  caller: Caller,
  teamId: number,
  { before, after }: RoleChange,
): string | undefined {
  if (isStaff(caller)) return undefined;
  const own = roleIn(caller, teamId);
  if (own === undefined || own === 'member') return 'who is in a team is changed by its leads and its admins';
  if (before !== undefined && rank(before) >= rank(own))
    return `a ${own} of a team changes those below them, and this one is ${before}`;
  if (after !== undefined && rank(after) > rank(own))
    return `nobody gives a role above their own: ${after} is above ${own}`;
  return undefined;
}

/** Whether the caller may remove a team of their organisation, with everybody's membership in it. */
export const mayRemoveTeam = (caller: Caller, teamId: number): boolean =>
  isStaff(caller) || roleIn(caller, teamId) === 'admin';
