import type { Queryable, Tx } from '@lineclear/kit';
import type { AuditRow, Link, SignedLink } from '../domain/audit-chain.js';

const COLUMNS = [
  ['seq', 'bigint'],
  ['event_id', 'uuid'],
  ['at', 'timestamptz'],
  ['service', 'text'],
  ['action', 'text'],
  ['outcome', 'text'],
  ['by', 'text'],
  ['user_id', 'integer'],
  ['username', 'text'],
  ['via', 'text'],
  ['credential_id', 'integer'],
  ['address', 'text'],
  ['request_id', 'text'],
  ['target', 'text'],
  ['details', 'text'],
  ['count', 'integer'],
  ['previous_mac', 'text'],
  ['mac', 'text'],
] as const satisfies readonly (readonly [keyof AuditRow, string])[];
const NAMES = COLUMNS.map(([name]) => `"${name}"`).join(', ');
// To the last microsecond, as it was proved; what no calendar knows is not hidden either.
const AT = `coalesce(to_char("at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), "at"::text)`;
const SELECT = `select ${COLUMNS.map(([name]) => (name === 'at' ? `${AT} as "at"` : `"${name}"`)).join(', ')} from audit_log`;
const LINK = 'select seq, mac, at, signature from';

/** The log as it is at one moment: its first and last entry, and what is said of where it begins and ends. */
export interface Bounds {
  readonly first: number | undefined;
  readonly last: Link | undefined;
  readonly head: SignedLink | undefined;
  readonly anchor: SignedLink | undefined;
}

export async function bounds(on: Queryable): Promise<Bounds> {
  const [row] = await on.query<{ [K in keyof Bounds]: Bounds[K] | null }>(
    `select (select min(seq) from audit_log) as first,
       (select json_build_object('seq', seq, 'mac', mac) from audit_log order by seq desc limit 1) as last,
       (select to_json(h) from (${LINK} audit_head) h) as head,
       (select to_json(a) from (${LINK} audit_anchor) a) as anchor`,
  );
  return {
    first: row?.first ?? undefined,
    last: row?.last ?? undefined,
    head: row?.head ?? undefined,
    anchor: row?.anchor ?? undefined,
  };
}

/** Waits until nobody else adds to the log or takes from it; they wait from now on. `ifNew` is where a log begins. */
export async function lock(tx: Tx, ifNew: SignedLink): Promise<Bounds> {
  await tx.query(
    'insert into audit_head (id, seq, mac, at, signature) values (1, $1, $2, $3, $4) on conflict (id) do nothing',
    valuesOf(ifNew),
  );
  await tx.query('select from audit_head for update');
  return bounds(tx);
}

export async function append(tx: Tx, rows: readonly AuditRow[], head: SignedLink): Promise<void> {
  const arrays = COLUMNS.map(([, type], index) => `$${index + 1}::${type}[]`).join(', ');
  await tx.query(
    `insert into audit_log (${NAMES}) select * from unnest(${arrays})`,
    COLUMNS.map(([name]) => rows.map((row) => row[name])),
  );
  await tx.query('update audit_head set seq = $1, mac = $2, at = $3, signature = $4', valuesOf(head));
}

export async function head(on: Queryable): Promise<SignedLink | undefined> {
  const [row] = await on.query<SignedLink>(`${LINK} audit_head`);
  return row;
}

/** Entries in their order, from this one on. */
export async function from(on: Queryable, seq: number, to: number, limit: number): Promise<AuditRow[]> {
  return on.query<AuditRow>(`${SELECT} where seq between $1 and $2 order by seq limit $3`, [seq, to, limit]);
}

export async function macOf(on: Queryable, seq: number): Promise<string | undefined> {
  const [row] = await on.query<{ mac: string }>('select mac from audit_log where seq = $1', [seq]);
  return row?.mac;
}

/** The first entry that is no older than this. */
export async function firstSince(on: Queryable, since: Date): Promise<number | undefined> {
  const [row] = await on.query<{ seq: number }>(
    'select seq from audit_log where at >= $1 order by seq limit 1',
    [since],
  );
  return row?.seq;
}

/** Lets go of all entries up to this one, which those that stay follow. */
export async function removeUpTo(tx: Tx, anchor: SignedLink): Promise<void> {
  await tx.query('delete from audit_log where seq <= $1', [anchor.seq]);
  await tx.query(
    `insert into audit_anchor (id, seq, mac, at, signature) values (1, $1, $2, $3, $4)
     on conflict (id) do update set seq = excluded.seq, mac = excluded.mac, at = excluded.at, signature = excluded.signature`,
    valuesOf(anchor),
  );
}

export interface Filter {
  /** Only what those of this organisation did; null for what nobody of an organisation did. */
  readonly tenant?: number | null | undefined;
  readonly action?: string | undefined;
  readonly actionPrefix?: string | undefined;
  readonly userId?: number | undefined;
  readonly target?: string | undefined;
  readonly targetPrefix?: string | undefined;
  readonly service?: string | undefined;
  readonly outcome?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** Entries that the filter lets through, the newest first. */
export async function newest(
  on: Queryable,
  filter: Filter,
  { before, limit }: { readonly before: number; readonly limit: number },
): Promise<AuditRow[]> {
  const { conditions, values } = where(filter, [before, limit]);
  return on.query<AuditRow>(
    `${SELECT} where ${['seq < $1', ...conditions].join(' and ')} order by audit_log.seq desc limit $2`,
    values,
  );
}

export async function total(on: Queryable, filter: Filter): Promise<number> {
  const { conditions, values } = where(filter, []);
  // They have no gaps, and there may be millions.
  const counted = conditions.length === 0 ? 'coalesce(max(seq) - min(seq) + 1, 0)' : 'count(*)';
  const [row] = await on.query<{ total: number }>(
    `select ${counted} as total from audit_log where ${['true', ...conditions].join(' and ')}`,
    values,
  );
  return row?.total ?? 0;
}

/** The actions that the log holds. */
export async function actions(on: Queryable): Promise<string[]> {
  // From one to the next by the index: there are few actions and many entries.
  const rows = await on.query<{ action: string }>(
    `with recursive known as (
       (select action from audit_log order by action using ~<~ limit 1)
       union all
       select (select l.action from audit_log l where l.action ~>~ known.action order by l.action using ~<~ limit 1)
         from known where known.action is not null)
     select action from known where action is not null`,
  );
  return rows.map(({ action }) => action);
}

function where(filter: Filter, given: readonly unknown[]): { conditions: string[]; values: unknown[] } {
  const conditions: string[] = [];
  const values = [...given];
  const add = (condition: (parameter: string) => string, value: unknown): void => {
    if (value !== undefined) conditions.push(condition(`$${values.push(value)}`));
  };
  const beginsWith = (column: string, prefix: string | undefined): void => {
    add((p) => `${column} ~>=~ ${p}`, prefix);
    add((p) => `${column} ~<~ ${p}`, prefix && after(prefix));
  };
  const members = 'select from org_members m where m.user_id = audit_log.user_id';
  if (filter.tenant === null) conditions.push(`not exists (${members})`);
  else add((p) => `exists (${members} and m.org_id = ${p})`, filter.tenant);
  add((p) => `action = ${p}`, filter.action);
  beginsWith('action', filter.actionPrefix);
  add((p) => `user_id = ${p}`, filter.userId);
  add((p) => `target = ${p}`, filter.target);
  beginsWith('target', filter.targetPrefix);
  add((p) => `service = ${p}`, filter.service);
  add((p) => `outcome = ${p}`, filter.outcome);
  add((p) => `audit_log.at >= ${p}::timestamptz`, filter.since);
  add((p) => `audit_log.at < ${p}::timestamptz`, filter.until);
  return { conditions, values };
}

/** What comes after all that begins with this: its last character is an ASCII one. */
const after = (prefix: string): string =>
  prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);

const valuesOf = ({ seq, mac, at, signature }: SignedLink): unknown[] => [seq, mac, at, signature];
