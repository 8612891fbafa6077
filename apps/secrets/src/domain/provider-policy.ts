import { SOURCES, type People, type Place, type SourceName } from './lookup.js';
import { GLOBAL, orgScope, teamScope, userScope } from './scopes.js';

/** On whose credential jobs of a provider run: each place is looked at only when those before it have none. */
export const PROVIDER_POLICIES = ['user_only', 'user_then_team', 'shared', 'user_then_shared'] as const;
export type ProviderPolicy = (typeof PROVIDER_POLICIES)[number];
export const DEFAULT_POLICY: ProviderPolicy = 'user_then_shared';

/** Where the credential of a provider is looked for on behalf of a job's people; without people, only where everybody's is. */
export function placesOfProvider(
  policy: ProviderPolicy,
  { userId, teamId, orgId }: People,
  order: readonly SourceName[] = SOURCES,
): Place[] {
  const kept = (id: number | undefined, scope: (id: number) => string): Place[] =>
    id === undefined ? [] : [{ source: 'store', scope: scope(id) }];
  const shared = order.map((source) => ({ source, scope: GLOBAL }));
  switch (policy) {
    case 'user_only':
      return kept(userId, userScope);
    case 'user_then_team':
      return [...kept(userId, userScope), ...kept(teamId, teamScope)];
    case 'shared':
      return shared;
    case 'user_then_shared':
      return [...kept(userId, userScope), ...kept(teamId, teamScope), ...kept(orgId, orgScope), ...shared];
  }
}

const WHOSE: Readonly<Record<ProviderPolicy, string>> = {
  user_only: 'a credential of the person whose job it is',
  user_then_team: 'a credential of the person whose job it is, or of their team',
  shared: 'the credential that everybody shares',
  user_then_shared:
    'a credential of the person whose job it is, of their team or organization, or the one that everybody shares',
};

/** Why a job has no credential to run on, and what to do about it. */
export function noneFound(policy: ProviderPolicy, provider: string, name: string): string {
  const todo =
    policy === 'shared'
      ? `an administrator sets the secret ${name}`
      : `set your own with POST /api/users/me/credentials {"provider": "${provider}", "credential_value": ...}`;
  return `jobs of ${provider} run on ${WHOSE[policy]} (policy ${policy}), and there is no ${name}: ${todo}`;
}

/** The version of a credential that a run goes on with: the one it was submitted with while that is kept for it, else the current one. */
export const versionToGoOnWith = (grant: {
  readonly version: number | null;
  readonly previous_version: number | null;
}): number | 'current' =>
  grant.version !== null && grant.version === grant.previous_version ? grant.version : 'current';
