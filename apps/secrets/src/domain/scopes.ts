import type { Permission, Principal } from '@lineclear/contracts';

/** Whose a secret is: one person's, a team's, an organisation's, or everybody's. */
export const SCOPES = ['global', 'user', 'team', 'org'] as const;
export type ScopeKind = (typeof SCOPES)[number];
export type Scope =
  { readonly kind: 'global' } | { readonly kind: 'user' | 'team' | 'org'; readonly id: number };

export const GLOBAL = 'global';
export const userScope = (userId: number): string => `user:${userId}`;
export const teamScope = (teamId: number): string => `team:${teamId}`;
export const orgScope = (orgId: number): string => `org:${orgId}`;

/** A scope as it is written in tables and events: `global`, `user:12`. */
export const scopeText = (scope: Scope): string =>
  scope.kind === 'global' ? GLOBAL : `${scope.kind}:${scope.id}`;

/** A scope out of what `scopeText` makes of it. @throws Error for any other text */
export function readScope(text: string): Scope {
  if (text === GLOBAL) return { kind: 'global' };
  const [, kind, id] = /^(user|team|org):([1-9]\d{0,9})$/.exec(text) ?? [];
  if (kind === undefined) throw new Error(`${JSON.stringify(text)} is not a scope`);
  return { kind: kind as 'user' | 'team' | 'org', id: Number(id) };
}

/** Names and versions are read, values are set or ended. No value is ever read. */
export type Use = 'read' | 'set';
export type Caller = Pick<Principal, 'user_id' | 'permissions' | 'org' | 'teams'>;

/** Whether somebody may: to whom a scope does not exist it is `not found`; to others is told what they lack. */
export type Verdict = 'allowed' | 'not found' | { readonly lacks: string };

const may = ({ permissions }: Caller, permission: Permission): boolean => permissions.includes(permission);
const needs = (caller: Caller, permission: Permission): Verdict =>
  may(caller, permission) ? 'allowed' : { lacks: `the permission ${permission}` };

/** Whoever makes organisations looks after all of them; a person of an organisation knows of that one. */
export const looksAfterAll = (caller: Caller): boolean => may(caller, 'org.create');

/**
 * What a caller may do with the secrets of a scope. One's own take what submitting a job takes. Who is in a team, or in an
 * organisation, sees the names that their jobs may use; a team's are set by its admins and by leads in it, an organisation's
 * by its administrators, everybody's by administrators that belong to no organisation.
 */
export function verdictOn(caller: Caller, scope: Scope, use: Use): Verdict {
  switch (scope.kind) {
    case 'user':
      return scope.id === caller.user_id ? needs(caller, 'job.submit') : 'not found';
    case 'team':
      return verdictOnTeam(caller, scope.id, use);
    case 'org': {
      if (caller.org?.id !== scope.id && !looksAfterAll(caller)) return 'not found';
      const isTheirs = caller.org?.id === scope.id;
      if (use === 'read' && isTheirs && may(caller, 'job.submit')) return 'allowed';
      return needs(caller, 'admin.config');
    }
    case 'global':
      if (!may(caller, 'admin.config')) return { lacks: 'the permission admin.config' };
      return looksAfterAll(caller) || caller.org === undefined
        ? 'allowed'
        : { lacks: 'to look after all organizations; secrets of yours have scope "org"' };
  }
}

function verdictOnTeam(caller: Caller, teamId: number, use: Use): Verdict {
  if (looksAfterAll(caller) && may(caller, 'admin.config')) return 'allowed';
  const team = caller.teams?.find(({ id }) => id === teamId);
  if (!team) return 'not found';
  if (!may(caller, 'job.submit')) return { lacks: 'the permission job.submit' };
  if (use === 'read' || team.role === 'admin' || may(caller, 'team.manage.members')) return 'allowed';
  return { lacks: 'to be an admin of the team, or the permission team.manage.members' };
}

/** What a caller may do with the provider credentials of a person: their own take what submitting a job takes; of others only those who look after all people. */
export function verdictOnPerson(caller: Caller, userId: number): Verdict {
  if (userId === caller.user_id) return needs(caller, 'job.submit');
  return may(caller, 'admin.users') && looksAfterAll(caller) ? 'allowed' : 'not found';
}
