import { createHash } from 'node:crypto';
import pg from 'pg';
import {
  DataSource,
  type EntityManager,
  type EntitySchema,
  type MigrationInterface,
  type QueryRunner,
} from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
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

/** Something that takes SQL: the pool (each statement commits by itself) or a transaction. */
export abstract class Queryable {
  /** Runs one statement as a named, so once per connection planned, statement. */
  abstract query<Row = unknown>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
}

/** An open transaction: SQL through `query`, entities through `manager`. It ends with the function it was given to. */
export class Tx extends Queryable {
  readonly #afterCommit: (() => void)[] = [];

  constructor(
    private readonly client: pg.PoolClient,
    private readonly runner: QueryRunner,
  ) {
    super();
  }

  get manager(): EntityManager {
    return this.runner.manager;
  }

  override async query<Row = unknown>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return run<Row>(this.client, sql, values);
  }

  /** Runs `fn` once the transaction is committed, never when it is rolled back. For wake-ups only: nothing may depend on it. */
  afterCommit(fn: () => void): void {
    this.#afterCommit.push(fn);
  }

  /** @internal */
  committed(): void {
    for (const fn of this.#afterCommit) fn();
  }
}

/** The service's own Postgres: one pool, shared by entities and by plain SQL. */
export class Database extends Queryable {
  constructor(
    readonly source: DataSource,
    private readonly pool: pg.Pool,
  ) {
    super();
  }

  override async query<Row = unknown>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return run<Row>(this.pool, sql, values);
  }

  get manager(): EntityManager {
    return this.source.manager;
  }

  /** Runs `work` in one transaction: committed when it returns, rolled back when it throws. Only SQL belongs inside. */
  async tx<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const runner = this.source.createQueryRunner();
    try {
      const client = (await runner.connect()) as pg.PoolClient;
      await runner.startTransaction();
      const tx = new Tx(client, runner);
      let result: T;
      try {
        result = await work(tx);
        await runner.commitTransaction();
      } catch (error) {
        await runner.rollbackTransaction().catch(() => undefined);
        throw error;
      }
      tx.committed();
      return result;
    } finally {
      await runner.release();
    }
  }

  /** A connection of its own, for session-level locks. The caller ends it. */
  async dedicated(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: urlOf(this.source),
      keepAlive: true,
      application_name: 'lineclear lock',
    });
    await client.connect();
    return client;
  }

  async close(): Promise<void> {
    await this.source.destroy();
  }
}

const urlOf = (source: DataSource): string => (source.options as { url: string }).url;

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
  const result = await on.query({
    ...(name === undefined ? {} : { name }),
    text,
    values: values as unknown[],
  });
  return result.rows as Row[];
}

/** Opens the database and brings its tables up to date; several replicas may do so at once. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const source = new DataSource({
    type: 'postgres',
    url: options.url,
    entities: [...options.entities],
    migrations: [...options.migrations],
    migrationsTransactionMode: 'each',
    logging: false,
    poolSize: options.poolSize,
    extra: { keepAlive: true, connectionTimeoutMillis: 5_000, idleTimeoutMillis: 60_000 },
    poolErrorHandler: (error: Error) => options.log.warn({ err: error }, 'an idle database connection broke'),
  });
  await source.initialize();
  const pool = (source.driver as PostgresDriver).master as pg.Pool;
  const database = new Database(source, pool);
  await migrate(database);
  return database;
}

// Any number works as long as every replica takes the same one.
const MIGRATION_LOCK = 727_274;

async function migrate(database: Database): Promise<void> {
  const lock = await database.dedicated();
  try {
    await lock.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await database.source.runMigrations();
  } finally {
    await lock.end();
  }
}

/** Whether an error says that the database itself is away (stopped, restarting, unreachable) and not that the SQL was wrong. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code === 'string' && /^(08...|57P0.|53300|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT)$/.test(code))
    return true;
  return /Connection terminated|connection timeout|timeout exceeded when trying to connect|Client has encountered a connection error/i.test(
    error.message,
  );
}
