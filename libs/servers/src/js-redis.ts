import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fillOnce } from './cache.js';
import { toolEnv } from './config.js';
import { mustRun } from './run.js';
import type { Program } from './server.js';

const VERSION = '0.3.0';

/**
 * The last resort: a Redis written in JavaScript. It is fetched only when it is needed, by a lock of its own that holds the
 * digest of each package.
 */
export async function jsRedis(): Promise<Program> {
  const shipped = fileURLToPath(new URL('../js-redis/', import.meta.url));
  const folder = await fillOnce(`js-redis-server-${VERSION}`, async (half) => {
    cpSync(shipped, half, { recursive: true });
    const flags = [
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--engine-strict=false',
      '--loglevel=error',
    ];
    await mustRun('npm', ['ci', ...flags], { cwd: half, env: toolEnv() });
  });
  return {
    file: join(folder, 'server.mjs'),
    isScript: true,
    how: `NOT A REAL REDIS: npm js-redis-server@${VERSION}, in memory only (nothing survives a stop) and about 70 times slower; install Redis or Valkey for real use`,
  };
}
