import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeScratchFolder, startPostgres } from '@lineclear/servers';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The superuser's URL of the Postgres that all test files share. */
    postgresUrl: string;
  }
}

/** One real Postgres for the whole run; Redis and NATS start in milliseconds, so each test file has its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = makeScratchFolder('tests');
  const postgres = await startPostgres({
    dir: join(dir, 'postgres'),
    durable: false,
    settings: { max_connections: '400' },
  });
  project.provide('postgresUrl', postgres.url);
  return async () => {
    await postgres.stop();
    await rm(dir, { recursive: true, force: true });
  };
}
