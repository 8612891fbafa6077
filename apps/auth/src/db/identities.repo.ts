import type { Queryable } from '@lineclear/kit';
import type { Token } from '@lineclear/access';
import type { Level, Principal, ResourceRule } from '@lineclear/contracts';
import type { Override } from '../domain/permissions.js';
import { INTERNAL_ACCOUNT, type UserKind } from '../domain/service-account.js';
import { ORG_OF_PERSON, TEAMS_OF_PERSON, type OrgOfPerson, type TeamOfPerson } from './members.repo.js';
import { RULES_OF_PERSON } from './resource-rules.repo.js';

/** Whose a live credential is, in one read. */
export interface IdentityRow {
  readonly credential_id: number;
  readonly expires_at: Date | null;
  readonly last_used_at: Date | null;
  readonly csrf_sha256: string | null;
  readonly scope: readonly string[] | null;
  readonly allowed_cidrs: readonly string[] | null;
  readonly user_id: number;
  readonly username: string;
  readonly email: string | null;
  readonly level: Level;
  readonly level_priority: number;
  readonly level_permissions: readonly string[];
  readonly reaches: readonly Level[];
  readonly kind: UserKind;
  readonly overrides: readonly Override[];
  readonly resource_rules: ResourceRule[] | null;
  readonly org: OrgOfPerson | null;
  readonly teams: TeamOfPerson[] | null;
}

const OWNER = `u.id as user_id, u.username, u.email, u.level, u.kind, l.priority as level_priority, l.permissions as level_permissions,
  array(select below.name from levels below where below.priority <= l.priority order by below.priority) as reaches,
  coalesce((select json_agg(json_build_object('permission', o.permission, 'granted', o.granted))
    from permission_overrides o where o.user_id = u.id), '[]') as overrides,
  ${RULES_OF_PERSON} as resource_rules, ${ORG_OF_PERSON} as org, ${TEAMS_OF_PERSON} as teams`;

const liveKey = (
  match: string,
): string => `select k.id as credential_id, k.expires_at, k.last_used_at, null as csrf_sha256, k.scoped_permissions as scope, k.allowed_cidrs, ${OWNER}
  from api_keys k join users u on u.id = k.user_id join levels l on l.name = u.level
  where ${match} and k.revoked_at is null and (k.expires_at is null or k.expires_at > $2) and u.is_active`;
const liveSession = (
  match: string,
): string => `select s.id as credential_id, s.expires_at, s.last_seen_at as last_used_at, s.csrf_sha256, null as scope, null as allowed_cidrs, ${OWNER}
  from sessions s join users u on u.id = s.user_id join levels l on l.name = u.level
  where ${match} and s.expires_at > $2 and u.is_active`;

/** Each by an index look-up of its own, whatever the planner knows of the table. */
const each = (live: string): string =>
  `select asked.sha256, found.* from unnest($1::text[]) asked(sha256) cross join lateral (${live} limit 1) found`;
const BY_TOKEN = {
  api_key: each(liveKey('k.token_sha256 = asked.sha256')),
  session: each(liveSession('s.token_sha256 = asked.sha256')),
};
const BY_ID = { api_key: liveKey('k.id = $1'), session: liveSession('s.id = $1') };

/**
 * Whose the tokens are, by their SHA-256: nothing for a credential that is unknown, expired or revoked, and for one of
 * somebody who is not active.
 */
export async function byToken(
  on: Queryable,
  kind: Token['kind'],
  sha256s: readonly string[],
  now: Date,
): Promise<ReadonlyMap<string, IdentityRow>> {
  const rows = await on.query<IdentityRow & { sha256: string }>(BY_TOKEN[kind], [sha256s, now]);
  return new Map(rows.map((row) => [row.sha256, row]));
}

const INTERNAL = `select u.id as credential_id, null as expires_at, null as last_used_at, null as csrf_sha256, null as scope, null as allowed_cidrs, ${OWNER}
  from users u join levels l on l.name = u.level where lower(u.username) = $1 and u.kind = 'service' and u.is_active`;

/** The account of who is let in for the network they come from, while it is active. */
export async function internal(on: Queryable): Promise<IdentityRow | undefined> {
  const [row] = await on.query<IdentityRow>(INTERNAL, [INTERNAL_ACCOUNT]);
  return row;
}

/** The same, for a credential that was looked up before. */
export async function byCredential(
  on: Queryable,
  { via, credential_id }: Principal,
  now: Date,
): Promise<IdentityRow | undefined> {
  if (via === 'internal') return internal(on);
  const [row] = await on.query<IdentityRow>(BY_ID[via], [credential_id, now]);
  return row;
}
