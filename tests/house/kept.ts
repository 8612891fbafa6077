import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { House } from '@lineclear/launcher';
import { Redis } from 'ioredis';
import pg from 'pg';

/** All that is in the tables of a database. */
export async function dumpOf(url: string): Promise<string> {
  const database = new pg.Client({ connectionString: url });
  await database.connect();
  const { rows } = await database.query<{ name: string }>(
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'public'",
  );
  let text = '';
  for (const { name } of rows)
    text += JSON.stringify((await database.query(`select t::text from ${name} t`)).rows);
  await database.end();
  return text;
}

/** All that is in Redis. */
export async function redisDump(house: House): Promise<string> {
  const redis = new Redis(house.servers.redis.url, { lazyConnect: true });
  await redis.connect();
  let text = '';
  for (const key of await redis.keys('*'))
    text += `${key}${(await redis.dumpBuffer(key))?.toString('latin1') ?? ''}`;
  redis.disconnect();
  return text;
}

/** Every file under a folder with what is in it, but for what goes away meanwhile: servers remove files as they run. */
export function* filesBelow(folder: string): Generator<{ path: string; bytes: Buffer }> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    try {
      if (entry.isDirectory()) yield* filesBelow(path);
      else if (entry.isFile()) yield { path, bytes: readFileSync(path) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}
