import { join } from 'node:path';
import { freePort, isFree, type Server } from '@lineclear/servers';
import { type Backends, startBackends } from './backends.js';
import { readConfig } from './config.js';
import { provideDatabases } from './databases.js';
import { firstAdmin } from './first-admin.js';
import { lockHome } from './home-lock.js';
import { openHome, openPasswords } from './home.js';
import { LogFile } from './log-file.js';
import { serviceEnv, type Stores } from './service-env.js';
import { PROJECT, SERVICES, type ServiceSpec } from './services.js';
import { type Supervised, supervise } from './supervise.js';
import type { Row } from './table.js';

export interface HouseOptions {
  /** The folder that holds everything the house keeps. */
  readonly home: string;
  /** The port that people use. Without it a free one. */
  readonly port?: number;
  /** The environment that services inherit, and that may name servers to use. Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
  readonly services?: readonly ServiceSpec[];
  /** false: faster, and data does not outlive a crash of the machine. For tests. */
  readonly durable?: boolean;
  /** Each line that a service prints, and what happens to the processes. */
  readonly print?: (from: string, line: string) => void;
  /** Ends a start that is under way. */
  readonly signal?: AbortSignal;
}

export interface HouseService extends Supervised {
  readonly url: string;
  /** The service's own database; undefined for one that has none. */
  readonly databaseUrl: string | undefined;
}

export interface House {
  /** The front door. */
  readonly url: string;
  /** The API key of the first admin; undefined when the users of this house were made by somebody else. */
  readonly adminKey: string | undefined;
  readonly servers: Backends;
  readonly services: Readonly<Record<string, HouseService>>;
  /** What runs where, for people. */
  readonly rows: readonly Row[];
  /** Ends everything in order: the front door, the services, the servers. */
  stop(): Promise<void>;
  /** Ends every service at once, for those who cannot wait. */
  abandon(): void;
}

/** Starts the whole house on one folder, and owns every process of it until stop(). */
export async function startHouse(options: HouseOptions): Promise<House> {
  const { home, services: specs = SERVICES, print = () => undefined, signal } = options;
  const config = readConfig(options.env, home);
  openHome(home);
  const unlock = lockHome(home);
  const opened: { servers: Server[]; services: Map<ServiceSpec, HouseService>; logs: LogFile[] } = {
    servers: [],
    services: new Map(),
    logs: [],
  };
  const serverRows: Row[] = [];
  const ending = new AbortController();

  async function stopAll(): Promise<void> {
    const inside = [...opened.services].filter(([spec]) => !spec.isFront);
    const fronts = [...opened.services].filter(([spec]) => spec.isFront);
    for (const group of [fronts, inside]) await Promise.all(group.map(([, service]) => service.stop()));
    // Not before: services may need a server for their last words.
    ending.abort();
    await Promise.all(opened.servers.map((server) => server.stop()));
    await Promise.all(opened.logs.map((log) => log.close()));
    unlock();
  }

  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= stopAll());

  try {
    const ports = await choosePorts(specs, options.port);
    const urlOf = (name: string): string => `http://127.0.0.1:${ports.get(name)}`;
    const publicUrl = urlOf((specs.find((spec) => spec.isFront) ?? specs[0])?.name ?? '');
    const passwordOf = openPasswords(home);
    const stored = specs.filter((spec) => spec.hasStores).map(({ name }) => name);
    const servers = await startBackends({
      home,
      durable: options.durable ?? true,
      urls: { postgres: config.databaseUrl, redis: config.redisUrl, nats: config.natsUrl },
      services: stored,
      passwordOf,
      news: print,
      ending: ending.signal,
      started(server, readyAfterMs) {
        opened.servers.push(server);
        serverRows.push({
          what: server.kind,
          where: new URL(server.url).host,
          how: server.how,
          readyAfterMs,
        });
      },
    });
    signal?.throwIfAborted();
    const wanted = stored.map((service) => ({ service, password: passwordOf(`postgres.${service}`) }));
    const databases = await provideDatabases(servers.postgres.url, wanted, config.databaseUrl === undefined);

    const storesOf = (name: string): Stores | undefined => {
      const DATABASE_URL = databases.get(name);
      if (DATABASE_URL === undefined) return undefined;
      const NATS_URL = config.natsUrl ?? withLogin(servers.nats.url, name, passwordOf(`nats.${name}`));
      return { DATABASE_URL, REDIS_URL: servers.redis.url, NATS_URL };
    };
    for (const spec of specs) {
      const { name } = spec;
      const log = new LogFile(join(home, 'logs', `${name}.log`));
      opened.logs.push(log);
      const line = (text: string): void => {
        log.write(text);
        print(name, text);
      };
      const supervised = supervise(
        {
          name,
          script: spec.script,
          cwd: PROJECT,
          env: serviceEnv(spec, config.env, { home, urlOf, publicUrl }, storesOf(spec.replicaOf ?? name)),
          readyUrl: `${urlOf(name)}/health/ready`,
          pidFile: join(home, 'running', `${name}.json`),
        },
        { line, news: line },
      );
      opened.services.set(
        spec,
        Object.assign(supervised, { url: urlOf(name), databaseUrl: databases.get(name) }),
      );
    }
    await allReady([...opened.services.values()], signal);
    const services = Object.fromEntries([...opened.services].map(([{ name }, service]) => [name, service]));
    const auth = services['auth'];
    const adminKey = auth === undefined ? undefined : await firstAdmin(auth.url, home);
    signal?.throwIfAborted();
    return {
      url: publicUrl,
      adminKey,
      servers,
      services,
      get rows() {
        const how = (name: string): string =>
          `process ${services[name]?.pid}, log ${join(home, 'logs', `${name}.log`)}`;
        const serviceRows = Object.entries(services).map(([what, { url, readyAfterMs }]) => ({
          what,
          where: new URL(url).host,
          how: how(what),
          readyAfterMs,
        }));
        return [...serverRows, ...serviceRows];
      },
      stop,
      abandon: () => [...opened.services.values()].forEach((service) => service.kill('SIGKILL')),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Starts all at once; the first that cannot start, or the wish to end, ends the waiting for the others. */
async function allReady(services: readonly Supervised[], signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  const starts = services.map((service) => service.start());
  const given = new Promise<never>((_, fail) =>
    signal?.addEventListener('abort', () => fail(signal.reason as Error), { once: true }),
  );
  await Promise.race([Promise.all(starts), given]);
}

async function choosePorts(
  specs: readonly ServiceSpec[],
  front: number | undefined,
): Promise<Map<string, number>> {
  if (front !== undefined && !(await isFree(front))) {
    throw new Error(`port ${front} of 127.0.0.1 is taken: end what listens there, or set PORT to another`);
  }
  const chosen = new Map<string, number>();
  for (const spec of specs) {
    let port = spec.isFront ? front : undefined;
    while (port === undefined || (port === front && !spec.isFront)) port = await freePort();
    chosen.set(spec.name, port);
  }
  return chosen;
}

function withLogin(natsUrl: string, user: string, password: string): string {
  const url = new URL(natsUrl);
  url.username = user;
  url.password = password;
  return url.href;
}
