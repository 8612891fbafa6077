import type { Level } from '@lineclear/contracts';
import type { Queryable } from '@lineclear/kit';
import type { Override } from '../domain/permissions.js';
import type { UserKind } from '../domain/service-account.js';
import { ORG_OF_PERSON, TEAMS_OF_PERSON, type OrgOfPerson, type TeamOfPerson } from './members.repo.js';

/** Somebody active with an address, and all that says what they may decide. */
export interface DeciderRow {
  readonly user_id: number;
  readonly username: string;
  readonly email: string;
  readonly level: Level;
  readonly reaches: readonly Level[];
  readonly kind: UserKind;
  readonly level_permissions: readonly string[];
  readonly overrides: readonly Override[];
  readonly org: OrgOfPerson | null;
  readonly teams: readonly TeamOfPerson[] | null;
}

const DECIDER = `select u.id as user_id, u.username, u.email, u.level, u.kind, l.permissions as level_permissions,
  array(select below.name from levels below where below.priority <= l.priority order by below.priority) as reaches,
  coalesce((select json_agg(json_build_object('permission', o.permission, 'granted', o.granted))
    from permission_overrides o where o.user_id = u.id), '[]') as overrides,
  ${ORG_OF_PERSON} as org, ${TEAMS_OF_PERSON} as teams
  from users u join levels l on l.name = u.level
  where u.is_active and u.kind = 'person' and u.email is not null`;

export async function decider(on: Queryable, userId: number): Promise<DeciderRow | undefined> {
  const [row] = await on.query<DeciderRow>(`${DECIDER} and u.id = $1`, [userId]);
  return row;
}

/** By their level or for themselves; that it may be denied to them too is looked at later. */
const mayHold = (permission: string): string =>
  `('${permission}' = any(l.permissions) or exists (select from permission_overrides o
    where o.user_id = u.id and o.permission = '${permission}' and o.granted))`;

/** Who comes into question for approving jobs of that organisation, those of the lowest level first. */
export async function candidates(on: Queryable, orgId: number | null): Promise<DeciderRow[]> {
  return on.query<DeciderRow>(
    `${DECIDER} and ${mayHold('admin.approve')} and (${mayHold('org.create')}
       or (select m.org_id from org_members m where m.user_id = u.id) is not distinct from $1::int)
     order by l.priority, u.id`,
    [orgId],
  );
}
