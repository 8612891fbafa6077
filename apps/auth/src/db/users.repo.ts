import type { Level } from '@lineclear/contracts';
import { Conflict, type Queryable, type Tx } from '@lineclear/kit';
import type { Override } from '../domain/permissions.js';
import type { UserKind } from '../domain/service-account.js';
import { ORG_OF_PERSON, TEAMS_OF_PERSON, type OrgOfPerson, type TeamOfPerson } from './members.repo.js';

/** A person with everything that decides what they may do; never the password's hash. */
export interface UserRow {
  readonly id: number;
  readonly username: string;
  readonly email: string | null;
  readonly display_name: string;
  readonly level: Level;
  readonly level_priority: number;
  readonly level_permissions: readonly string[];
  readonly kind: UserKind;
  readonly is_active: boolean;
  readonly created_at: Date;
  readonly last_login_at: Date | null;
  readonly overrides: readonly Override[];
  readonly org: OrgOfPerson | null;
  /** The one joined first at the front. */
  readonly teams: readonly TeamOfPerson[] | null;
}

const USER = `select u.id, u.username, u.email, u.display_name, u.level, u.kind, u.is_active, u.created_at, u.last_login_at,
  l.priority as level_priority, l.permissions as level_permissions,
  coalesce((select json_agg(json_build_object('permission', o.permission, 'granted', o.granted) order by o.permission)
    from permission_overrides o where o.user_id = u.id), '[]') as overrides,
  ${ORG_OF_PERSON} as org, ${TEAMS_OF_PERSON} as teams
  from users u join levels l on l.name = u.level`;

export async function byId(on: Queryable, id: number): Promise<UserRow | undefined> {
  const [row] = await on.query<UserRow>(`${USER} where u.id = $1`, [id]);
  return row;
}

/** Those of these ids that nobody has. */
export async function unknownOf(on: Queryable, ids: readonly number[]): Promise<ReadonlySet<number>> {
  const rows = await on.query<{ id: number }>('select id from users where id = any($1::integer[])', [ids]);
  const found = new Set(rows.map(({ id }) => id));
  return new Set(ids.filter((id) => !found.has(id)));
}

export async function page(
  on: Queryable,
  query: { readonly after: number; readonly limit: number; readonly includeInactive: boolean },
): Promise<{ readonly rows: readonly UserRow[]; readonly total: number }> {
  const [rows, counts] = await Promise.all([
    on.query<UserRow>(`${USER} where u.id > $1 and (u.is_active or $3) order by u.id limit $2`, [
      query.after,
      query.limit,
      query.includeInactive,
    ]),
    on.query<{ total: number }>('select count(*) as total from users where is_active or $1', [
      query.includeInactive,
    ]),
  ]);
  return { rows, total: counts[0]?.total ?? 0 };
}

export interface Counts {
  readonly users: number;
  /** Those of them who are no service accounts: while there is none, nobody can let anybody in. */
  readonly people: number;
  readonly admins: number;
}

export async function counts(on: Queryable): Promise<Counts> {
  const [row] = await on.query<Counts>(
    `select count(*) as users, count(*) filter (where kind = 'person') as people, count(*) filter (where level = 'admin' and is_active and kind = 'person') as admins from users`,
  );
  return row ?? { users: 0, people: 0, admins: 0 };
}

export interface Account {
  readonly id: number;
  readonly username: string;
  readonly email: string | null;
  readonly kind: UserKind;
  readonly is_active: boolean;
  readonly password_hash: string | null;
}

const ACCOUNT = 'select id, username, email, kind, is_active, password_hash from users';

/** The account of a name as people type it: an email address has an @, a username cannot. */
export async function accountByName(on: Queryable, name: string): Promise<Account | undefined> {
  const [row] = await on.query<Account>(
    name.includes('@')
      ? `${ACCOUNT} where lower(email) = lower($1)`
      : `${ACCOUNT} where lower(username) = lower($1)`,
    [name],
  );
  return row;
}

export async function accountById(on: Queryable, id: number): Promise<Account | undefined> {
  const [row] = await on.query<Account>(`${ACCOUNT} where id = $1`, [id]);
  return row;
}

/** The account, which nobody else changes until the transaction ends. */
export async function lockAccount(tx: Tx, id: number): Promise<Account | undefined> {
  const [row] = await tx.query<Account>(`${ACCOUNT} where id = $1 for no key update`, [id]);
  return row;
}

// Any number that nothing else in this database takes: the libs lock 727_274 and 727_275, unlock-at-rest.ts 727_302.
const RIGHTS_LOCK = 727_301;

/** Changes of people's rights go one after another: rules over all people ("an admin is left") hold only so. */
export async function lockRights(tx: Tx): Promise<void> {
  await tx.query('select pg_advisory_xact_lock($1)', [RIGHTS_LOCK]);
}

/** Whether somebody is left who can look after the others: a person, as a service account cannot even log in. */
export async function anAdminIsLeft(tx: Tx): Promise<boolean> {
  const rows = await tx.query(
    `select 1 from users u where u.level = 'admin' and u.is_active and u.kind = 'person' and not exists
       (select 1 from permission_overrides o where o.user_id = u.id and o.permission = 'admin.users' and not o.granted) limit 1`,
  );
  return rows.length > 0;
}

export interface NewUser {
  readonly username: string;
  readonly email: string | null;
  readonly display_name: string;
  readonly level: Level;
  readonly kind: UserKind;
  readonly password_hash: string | null;
}

export async function insert(tx: Tx, user: NewUser, now: Date): Promise<number> {
  const [row] = await tx.query<{ id: number }>(
    `insert into users (username, email, display_name, level, kind, password_hash, created_at)
     values ($1, $2, $3, $4, $5, $6, $7) returning id`,
    [user.username, user.email, user.display_name, user.level, user.kind, user.password_hash, now],
  );
  return row!.id;
}

export interface UserPatch {
  readonly email?: string | undefined;
  readonly display_name?: string | undefined;
  readonly level?: Level | undefined;
  readonly is_active?: boolean | undefined;
  readonly password_hash?: string | undefined;
}

export async function update(tx: Tx, id: number, patch: UserPatch): Promise<void> {
  await tx.query(
    `update users set email = coalesce($2, email), display_name = coalesce($3, display_name), level = coalesce($4, level),
       is_active = coalesce($5, is_active), password_hash = coalesce($6, password_hash) where id = $1`,
    [id, patch.email, patch.display_name, patch.level, patch.is_active, patch.password_hash].map(
      (v) => v ?? null,
    ),
  );
}

/** Notes a login, if the account is still as it was when its owner showed who they are. */
export async function loggedIn(tx: Tx, account: Account, now: Date): Promise<boolean> {
  const rows = await tx.query(
    'update users set last_login_at = $3 where id = $1 and password_hash is not distinct from $2 and is_active returning id',
    [account.id, account.password_hash, now],
  );
  return rows.length > 0;
}

/** Notes a login that somebody else vouched for; false for who is not active. */
export async function loggedInElsewhere(tx: Tx, id: number, now: Date): Promise<boolean> {
  const rows = await tx.query(
    'update users set last_login_at = $2 where id = $1 and is_active returning id',
    [id, now],
  );
  return rows.length > 0;
}

/** Puts a new password in the place of the one that was checked; false when someone else did so in between. */
export async function changePassword(tx: Tx, account: Account, passwordHash: string): Promise<boolean> {
  const rows = await tx.query(
    'update users set password_hash = $3 where id = $1 and password_hash = $2 returning id',
    [account.id, account.password_hash, passwordHash],
  );
  return rows.length > 0;
}

export async function setOverride(
  tx: Tx,
  userId: number,
  permission: string,
  granted: boolean,
): Promise<void> {
  await tx.query(
    `insert into permission_overrides (user_id, permission, granted) values ($1, $2, $3)
     on conflict (user_id, permission) do update set granted = excluded.granted`,
    [userId, permission, granted],
  );
}

export async function clearOverride(tx: Tx, userId: number, permission: string): Promise<boolean> {
  const rows = await tx.query(
    'delete from permission_overrides where user_id = $1 and permission = $2 returning user_id',
    [userId, permission],
  );
  return rows.length > 0;
}

const TAKEN: Readonly<Record<string, string>> = {
  users_username_lower: 'this username is taken',
  users_email_lower: 'this email address is taken',
};

/** Runs a change of people; who comes second to a name gets a Conflict. */
export async function refuseTaken<T>(change: Promise<T>): Promise<T> {
  try {
    return await change;
  } catch (cause) {
    const { code, constraint } = cause as { code?: string; constraint?: string };
    const taken = code === '23505' && constraint !== undefined ? TAKEN[constraint] : undefined;
    throw taken === undefined ? cause : new Conflict(taken);
  }
}
