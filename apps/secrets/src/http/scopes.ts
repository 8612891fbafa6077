import type { Principal } from '@lineclear/contracts';
import { BadInput, NotAllowed, NotFound } from '@lineclear/kit';
import type { People } from '../domain/lookup.js';
import { readScope, scopeText, verdictOn, type Scope, type ScopeKind, type Use } from '../domain/scopes.js';

/** What a request says of whose secrets it is about; `team` and `org` are ids. */
export interface Whose {
  readonly scope: ScopeKind;
  readonly team?: number | undefined;
  readonly org?: number | undefined;
}

/** The scope that a request names, as it is stored. @throws BadInput, NotFound for what belongs to others, NotAllowed */
export function scopeOf(who: Principal, whose: Whose, use: Use): string {
  const scope = namedScope(who, whose);
  const verdict = verdictOn(who, scope, use);
  if (verdict === 'allowed') return scopeText(scope);
  if (verdict === 'not found')
    throw new NotFound(scope.kind === 'org' ? 'organization' : scope.kind, 'id' in scope ? scope.id : '');
  const hint = scope.kind === 'global' ? '; secrets of your own have scope "user"' : '';
  throw new NotAllowed(`this needs ${verdict.lacks}${hint}`);
}

/** The scope that a request names, whoever asks. @throws BadInput where it does not say which */
export function namedScope(who: Principal, { scope, team, org }: Whose): Scope {
  if (team !== undefined && scope !== 'team') throw BadInput.at('team', 'is for scope "team"');
  if (org !== undefined && scope !== 'org') throw BadInput.at('org', 'is for scope "org"');
  switch (scope) {
    case 'global':
      return { kind: scope };
    case 'user':
      return { kind: scope, id: who.user_id };
    case 'team':
      return { kind: scope, id: team ?? onlyTeamOf(who) };
    case 'org': {
      const id = org ?? who.org?.id;
      if (id === undefined) throw BadInput.at('org', 'names the organization: you belong to none');
      return { kind: scope, id };
    }
  }
}

function onlyTeamOf({ teams = [] }: Principal): number {
  const [first, second] = teams;
  if (!first) throw BadInput.at('team', 'names the team: you are in none');
  if (second) throw BadInput.at('team', 'names the team: you are in several');
  return first.id;
}

/** A stored scope, as it is told. */
export function publicScope(text: string): { scope: ScopeKind; team_id?: number; org_id?: number } {
  const scope = readScope(text);
  if (scope.kind === 'team') return { scope: scope.kind, team_id: scope.id };
  if (scope.kind === 'org') return { scope: scope.kind, org_id: scope.id };
  return { scope: scope.kind };
}

/** The same, for those who are to know which person it is. */
export function scopeWithPerson(text: string): ReturnType<typeof publicScope> & { user_id?: number } {
  const scope = readScope(text);
  return { ...publicScope(text), ...(scope.kind === 'user' ? { user_id: scope.id } : {}) };
}

/** The people on whose behalf a job would look that uses what is in this scope: for one's own secrets, the caller's next job. */
export function peopleOf(who: Principal, scope: Scope): People {
  switch (scope.kind) {
    case 'global':
      return {};
    case 'user':
      return { userId: who.user_id, teamId: who.teams?.[0]?.id, orgId: who.org?.id };
    case 'team':
      return {
        teamId: scope.id,
        orgId: who.teams?.some(({ id }) => id === scope.id) ? who.org?.id : undefined,
      };
    case 'org':
      return { orgId: scope.id };
  }
}
