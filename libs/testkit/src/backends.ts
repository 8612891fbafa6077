import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeScratchFolder, startNats, startRedis, type Server } from '@lineclear/servers';
import pg from 'pg';
import { inject } from 'vitest';

/** What one test file's services connect to: the shared Postgres, and a NATS and a Redis of its own. */
export interface Backends {
  readonly nats: Server;
  readonly redis: Server;
  /** A folder that is gone after the tests. */
  readonly dir: string;
  /** A new empty database; its URL. */
  database(name?: string): Promise<string>;
  /** The environment a service of that name boots with, over a new database. */
  envFor(service: string, extra?: Readonly<Record<string, string>>): Promise<Record<string, string>>;
  stop(): Promise<void>;
}

/** Starts what a test file needs; call in `beforeAll`, `stop()` in `afterAll`. */
export async function startBackends(): Promise<Backends> {
  const dir = makeScratchFolder('test');
  const [nats, redis] = await Promise.all([
    startNats({ dir: join(dir, 'nats'), durable: false }),
    startRedis({ dir: join(dir, 'redis'), durable: false }),
  ]);
  const databases: string[] = [];
  const database = async (name = 'test'): Promise<string> => {
    const unique = `${name.replaceAll('-', '_')}_${randomBytes(6).toString('hex')}`;
    await asAdmin((admin) => admin.query(`create database "${unique}"`));
    databases.push(unique);
    const url = new URL(inject('postgresUrl'));
    url.pathname = `/${unique}`;
    return url.href;
  };
  return {
    nats,
    redis,
    dir,
    database,
    envFor: async (service, extra = {}) => ({
      PORT: '0',
      DATABASE_URL: await database(service),
      DATABASE_POOL: '6',
      NATS_URL: nats.url,
      REDIS_URL: redis.url,
      LINECLEAR_LOG_FORMAT: 'pretty',
      LINECLEAR_LOG_LEVEL: process.env['LINECLEAR_LOG_LEVEL'] ?? 'silent',
      LINECLEAR_HOME: dir,
      ...(service === 'auth' ? { LINECLEAR_AUTH_KEY_FILE: join(dir, 'auth.key') } : {}),
      ...extra,
    }),
    async stop() {
      await Promise.all([nats.stop(), redis.stop()]);
      await asAdmin(async (admin) => {
        for (const name of databases) await admin.query(`drop database if exists "${name}" with (force)`);
      });
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function asAdmin(work: (admin: pg.Client) => Promise<unknown>): Promise<void> {
  const admin = new pg.Client({ connectionString: inject('postgresUrl') });
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}
