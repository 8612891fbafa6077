import { createHash } from 'node:crypto';
import type { Writable } from 'node:stream';
import pg from 'pg';
import { DataSource, type EntitySchema, type MigrationInterface } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import { ADVISORY_LOCKS } from './advisory-locks.js';
import { withDeadline } from './health.js';
import type { Logger } from './logger.js';

type Class<T = object> = new (...args: never[]) => T;
export interface DatabaseOptions {
  readonly url: string;
  readonly poolSize: number;
  readonly entities: readonly (Class | EntitySchema)[];
  readonly migrations: readonly Class<MigrationInterface>[];
  readonly log: Logger;
}

// Counts and money stay far below 2^53; as strings they would be concatenated by mistake.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);
pg.types.setTypeParser(pg.types.builtins.NUMERIC, Number);

const CONNECT_MS = 5_000;
// What Postgres does not answer for this long will not be answered: the other end is gone without a word.
const QUERY_MS = 30_000;
const END_MS = 2_000;
/**
 * Indexes are used even where a table looks small: plans are made when a service starts, over empty tables, and kept for as
 * long as the connection lives. The price with which Postgres discourages a scan is so high that it would compile every
 * plan that cannot avoid one: so no compiling either.
 */
const KEEP_TO_INDEXES = '-c enable_seqscan=off -c jit=off';
const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 } as const;

/** The database itself is away (stopped, restarting, unreachable); the SQL was not wrong. */
class DatabaseAway extends Error {
  override readonly name = 'DatabaseAway';
}

/** Something that takes SQL: the pool (each statement commits by itself) or a transaction. */
export abstract class Queryable {
  /** Runs one statement as a named, so once per connection planned, statement. */
  abstract query<Row = unknown>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
}

/**
 * An open transaction. It ends with the function it was given to. Statements that do not need each other's answers may be
 * started together (`Promise.all`): they go out in one packet and are run in the order in which they were started.
 */
export class Tx extends Queryable {
  readonly #afterCommit: (() => void)[] = [];
  #over = false;

  constructor(private readonly client: pg.PoolClient) {
    super();
  }

  override async query<Row = unknown>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    if (this.#over) throw new Error('the transaction is over');
    gather(this.client);
    return run<Row>(this.client, sql, values);
  }

  /** Runs `fn` once the transaction is committed, never when it is rolled back. For wake-ups only: nothing may depend on it. */
  afterCommit(fn: () => void): void {
    this.#afterCommit.push(fn);
  }

  /** @internal A branch of its work that still runs could otherwise commit by itself, or in another's transaction. */
  end(): void {
    this.#over = true;
  }

  /** @internal */
  committed(log: Logger | undefined): void {
    for (const fn of this.#afterCommit) {
      try {
        fn();
      } catch (error) {
        // The change is made: its caller must not believe otherwise.
        log?.warn({ err: error }, 'what was to follow a commit failed');
      }
    }
  }
}

/** The service's own Postgres: one pool, shared by entities and by plain SQL. */
export class Database extends Queryable {
  constructor(
    readonly source: DataSource,
    private readonly pool: pg.Pool,
    private readonly log?: Logger,
  ) {
    super();
  }

  override async query<Row = unknown>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return run<Row>(this.pool, sql, values);
  }

  /** Runs `work` in one transaction: committed when it returns, rolled back when it throws. Only SQL belongs inside. */
  async tx<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const client = await awayOr(this.pool.connect());
    const tx = new Tx(client);
    let broken: Error | undefined;
    // One that breaks between two statements says so here only; the next statement tells its caller.
    const breaks = (error: Error): void => void (broken = error);
    client.on('error', breaks);
    try {
      // Not waited for: it leaves together with the first statements.
      gather(client);
      const begun = client.query('begin');
      begun.catch(() => undefined);
      const result = await work(tx).finally(() => tx.end());
      await awayOr(begun);
      const { command } = await awayOr(client.query('commit'));
      // Where a statement failed and nobody minded, Postgres takes a commit for a rollback and calls it done.
      if (command !== 'COMMIT')
        throw new Error('a statement of the transaction failed: nothing is committed');
      tx.committed(this.log);
      return result;
    } catch (error) {
      // A connection that does not answer would not answer the rollback either.
      if (error instanceof DatabaseAway) broken = error;
      else await client.query('rollback').catch(breaks);
      throw error;
    } finally {
      client.off('error', breaks);
      client.release(broken);
    }
  }

  /** A connection of its own, for session-level locks. The caller ends it. */
  async dedicated(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: urlOf(this.source),
      ...KEEP_ALIVE,
      connectionTimeoutMillis: CONNECT_MS,
      application_name: 'lineclear lock',
    });
    await awayOr(client.connect());
    return client;
  }

  async close(): Promise<void> {
    // Connections whose other end is gone do not end by themselves.
    await withDeadline(this.source.destroy(), END_MS).catch((error: unknown) =>
      this.log?.warn({ err: error }, 'the database connections did not end in time'),
    );
  }
}

const urlOf = (source: DataSource): string => (source.options as { url: string }).url;

/**
 * A condition that always holds, for a statement that is a transaction of its own: its commit does not wait for the disk.
 * For changes that a crash may take back, because they would come about again.
 */
export const LAZILY = `set_config('synchronous_commit', 'off', true) = 'off'`;

const names = new Map<string, string>();
// Texts that are put together at run time must not fill a connection's statement cache without end.
const MAX_NAMED = 500;

async function run<Row>(
  on: pg.Pool | pg.PoolClient,
  text: string,
  values: readonly unknown[],
): Promise<Row[]> {
  let name = names.get(text);
  if (name === undefined && names.size < MAX_NAMED) {
    name = createHash('sha1').update(text).digest('base64url').slice(0, 20);
    names.set(text, name);
  }
  const result = await awayOr(
    on.query({
      ...(name === undefined ? {} : { name }),
      text,
      values: values as unknown[],
    }),
  );
  return result.rows as Row[];
}

/** What is written to a connection in this turn of the event loop leaves in one packet: each costs as much as a small statement. */
function gather(client: pg.PoolClient): void {
  // pg's own way to its socket, which its types leave out.
  const { stream } = (client as unknown as { connection: { stream: Writable } }).connection;
  if (stream.writableCorked > 0) return;
  stream.cork();
  process.nextTick(() => stream.uncork());
}

/** Opens the database and brings its tables up to date; several replicas may do so at once. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { url, log, entities, migrations, poolSize } = options;
  const shared = {
    type: 'postgres' as const,
    url,
    migrations: [...migrations],
    migrationsTransactionMode: 'each' as const,
    logging: false as const,
    poolErrorHandler: (error: Error) => log.warn({ err: error }, 'an idle database connection broke'),
  };
  const limits = { ...KEEP_ALIVE, connectionTimeoutMillis: CONNECT_MS };
  // A migration takes as long as it takes: it runs on a connection of its own, without the limit on each query.
  const migrator = new DataSource({ ...shared, poolSize: 1, extra: limits });
  const source = new DataSource({
    ...shared,
    entities: [...entities],
    poolSize,
    // Statements of a transaction that are not waited for one by one travel together.
    extra: {
      ...limits,
      idleTimeoutMillis: 60_000,
      query_timeout: QUERY_MS,
      pipeline: true,
      options: KEEP_TO_INDEXES,
    },
  });
  await source.initialize();
  const database = new Database(source, (source.driver as PostgresDriver).master as pg.Pool, log);
  await migrate(database, migrator);
  return database;
}

async function migrate(database: Database, migrator: DataSource): Promise<void> {
  const lock = await database.dedicated();
  try {
    await lock.query('select pg_advisory_lock($1)', [ADVISORY_LOCKS.migration]);
    await migrator.initialize();
    await migrator.runMigrations();
  } finally {
    if (migrator.isInitialized) await migrator.destroy();
    await withDeadline(lock.end(), END_MS).catch(() => undefined);
  }
}

const AWAY_CODES = /^(08...|57P0.|53300|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT)$/;
const AWAY_MESSAGES =
  /Connection terminated|connection timeout|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Client was closed and is not queryable/i;

/** The error of a database call, as DatabaseAway where it is one. The same codes from elsewhere mean something else. */
function markAway(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof DatabaseAway) return error;
  const { code } = error as { code?: unknown };
  const away = typeof code === 'string' ? AWAY_CODES.test(code) : AWAY_MESSAGES.test(error.message);
  return away ? new DatabaseAway(error.message, { cause: error }) : error;
}

async function awayOr<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw markAway(error);
  }
}

/** Whether an error says that the database itself is away (stopped, restarting, unreachable) and not that the SQL was wrong. */
export function isDatabaseAway(error: unknown): boolean {
  return error instanceof DatabaseAway;
}
