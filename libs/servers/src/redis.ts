import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Source } from './config.js';
import { debRedis } from './deb-redis.js';
import { type Finder, findProgram } from './find.js';
import { jsRedis } from './js-redis.js';
import { installed, isAtLeast } from './on-path.js';
import { probeRedis } from './probes.js';
import { runServer } from './process-server.js';
import type { Program, Server, ServerOptions } from './server.js';
import { giveToServer, openDataFolder } from './unprivileged.js';

const OLDEST = [6, 2];
const HELP = 'Install it (apt install redis-server, brew install valkey) or set REDIS_URL to one that runs.';

export interface RedisOptions extends ServerOptions {
  /** Letters and digits. Without it nobody is asked for a password. */
  readonly password?: string;
}

/** Starts a real Redis (or Valkey); where none can be had, a stand-in whose `how` says so. */
export async function startRedis(options: RedisOptions): Promise<Server> {
  const { password, durable = true } = options;
  if (password !== undefined && !/^[A-Za-z0-9]{8,200}$/.test(password)) {
    throw new Error('the password of a Redis is 8 to 200 letters and digits');
  }
  const program = await findRedis(options.sources);
  const data = openDataFolder(options.dir, durable);
  const config = join(data, 'redis.conf');
  rmSync(config, { force: true });
  writeFileSync(config, configText(data, durable, password), { mode: 0o600 });
  giveToServer(config);
  const isScript = program.isScript ?? false;
  return runServer(
    {
      kind: 'redis',
      how: program.how,
      cwd: data,
      env: {
        ...program.env,
        HOME: data,
        ...(isScript && password !== undefined ? { JS_REDIS_PASSWORD: password } : {}),
      },
      asOurselves: isScript,
      stopSignal: 'SIGTERM',
      command: (port) =>
        isScript
          ? { file: process.execPath, args: [program.file, String(port)] }
          : { file: program.file, args: [config, '--port', String(port)] },
      url: (port) => `redis://${password === undefined ? '' : `:${password}@`}127.0.0.1:${port}`,
      probe: (port, pid) => probeRedis(port, password, isScript ? undefined : pid),
    },
    options,
  );
}

function configText(data: string, durable: boolean, password: string | undefined): string {
  return [
    'bind 127.0.0.1',
    `dir ${JSON.stringify(data)}`,
    'save ""',
    'appendonly yes',
    `appendfsync ${durable ? 'everysec' : 'no'}`,
    'maxmemory-policy noeviction',
    'daemonize no',
    'enable-debug-command no',
    ...(password === undefined ? [] : [`requirepass ${password}`]),
    '',
  ].join('\n');
}

function findRedis(sources: readonly Source[] | undefined): Promise<Program> {
  const path: Finder = async () => {
    const found = await installed(['redis-server', 'valkey-server']);
    const fit = found.find(({ version }) => isAtLeast(version, OLDEST));
    if (fit === undefined)
      return found.length === 0 ? 'not installed' : `too old: ${found.map(({ words }) => words).join(', ')}`;
    const name = /valkey/i.test(fit.words) ? 'Valkey' : 'Redis';
    return { file: fit.file, how: `installed ${fit.file}, ${name} ${fit.version.join('.')}` };
  };
  return findProgram(
    `Redis ${OLDEST.join('.')} or newer`,
    { path, deb: debRedis, js: jsRedis },
    sources,
    HELP,
  );
}

/** A password that a Redis url and configuration file take without quoting. */
export const randomPassword = (): string => randomBytes(24).toString('hex');
