import type { Level, Permission } from '@lineclear/contracts';
import { Conflict, type Queryable, type Tx } from '@lineclear/kit';
import type { LevelRow } from './level.entity.js';

/** A level, and how many hold it: closed accounts too. */
export type CountedLevel = LevelRow & { readonly users: number };

const LEVEL = `select l.name, l.description, l.priority, l.is_system, l.permissions, l.created_at,
  (select count(*) from users u where u.level = l.name) as users from levels l`;

/** All levels, the lowest first. */
export const all = (on: Queryable): Promise<CountedLevel[]> =>
  on.query<CountedLevel>(`${LEVEL} order by l.priority`);

export async function byName(on: Queryable, name: Level): Promise<CountedLevel | undefined> {
  const [row] = await on.query<CountedLevel>(`${LEVEL} where l.name = $1`, [name]);
  return row;
}

/** Those of these levels that there are, the lowest first. */
export const named = (on: Queryable, names: readonly Level[]): Promise<CountedLevel[]> =>
  on.query<CountedLevel>(`${LEVEL} where l.name = any($1::text[]) order by l.priority`, [names]);

/** Those of these names that no level has. */
export async function unknownOf(on: Queryable, names: readonly Level[]): Promise<ReadonlySet<Level>> {
  const found = new Set((await named(on, names)).map(({ name }) => name));
  return new Set(names.filter((name) => !found.has(name)));
}

/** The number of each level by its name. */
export async function priorities(on: Queryable): Promise<ReadonlyMap<Level, number>> {
  const rows = await on.query<Pick<LevelRow, 'name' | 'priority'>>('select name, priority from levels');
  return new Map(rows.map(({ name, priority }) => [name, priority]));
}

export type NewLevel = Pick<LevelRow, 'name' | 'description' | 'priority' | 'permissions'>;

export async function insert(tx: Tx, level: NewLevel, now: Date): Promise<void> {
  await tx.query(
    `insert into levels (name, description, priority, is_system, permissions, created_at) values ($1, $2, $3, false, $4, $5)`,
    [level.name, level.description, level.priority, level.permissions, now],
  );
}

export async function update(
  tx: Tx,
  name: Level,
  { description, priority }: Pick<LevelRow, 'description' | 'priority'>,
): Promise<void> {
  await tx.query('update levels set description = $2, priority = $3 where name = $1', [
    name,
    description,
    priority,
  ]);
}

export async function setPermissions(tx: Tx, name: Level, permissions: readonly Permission[]): Promise<void> {
  await tx.query('update levels set permissions = $2 where name = $1', [name, permissions]);
}

/** Removes a level that nobody holds; what resource rules it was given is given to it no more. */
export async function remove(tx: Tx, name: Level): Promise<void> {
  await tx.query('delete from levels where name = $1', [name]);
}

/** Runs a change of levels; who comes second to a number gets a Conflict. */
export async function refuseTaken<T>(change: Promise<T>): Promise<T> {
  try {
    return await change;
  } catch (cause) {
    const { code, constraint } = cause as { code?: string; constraint?: string };
    throw code === '23505' && constraint === 'levels_priority_unique'
      ? new Conflict('another level has this priority: of any two it must be clear which is higher')
      : cause;
  }
}
